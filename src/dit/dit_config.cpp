#include "moca/dit/dit_config.h"

#include <algorithm>

#include "moca/core/error.h"

namespace moca::dit {

void DitConfig::validate(const std::string& path) const {
  config::require_multiple(path, "width", width, "num_heads", num_heads);
  if (width % 2 != 0) {
    throw Error(path, ".width (", width, ") must be even.");
  }
  if (dense_tokens == DenseTokens::kSamePairs && global_attention != GlobalAttentionKind::kDense) {
    throw Error(path, ".dense_tokens is same_pairs, but ", path,
                ".global_attention is not dense: set it to dense, or leave dense_tokens out.");
  }
  for (const int64_t block : global_blocks) {
    if (block >= num_layers) {
      throw Error(path, ".global_blocks names block ", block, ", but ", path, ".num_layers is ",
                  num_layers, ": use 0 to ", num_layers - 1, ".");
    }
  }
}

bool DitConfig::is_global(int64_t block) const {
  if (global_attention == GlobalAttentionKind::kNone) {
    return false;
  }
  return global_blocks.empty() ? block % 2 == 0 : std::ranges::count(global_blocks, block) > 0;
}

}  // namespace moca::dit
