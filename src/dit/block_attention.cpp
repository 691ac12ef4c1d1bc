#include "moca/dit/block_attention.h"

#include "dense_global_attention.h"
#include "local_attention.h"
#include "moc_global_attention.h"

namespace moca::dit {

std::shared_ptr<const BlockAttention> block_attention(const DitConfig& config, int64_t index) {
  if (!config.is_global(index)) {
    return std::make_shared<LocalAttention>(config.width, config.num_added_tokens());
  }
  if (config.global_attention == GlobalAttentionKind::kDense) {
    return std::make_shared<DenseGlobalAttention>(config.width);
  }
  return std::make_shared<MocGlobalAttention>(config);
}

}  // namespace moca::dit
