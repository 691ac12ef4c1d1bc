#include "dense_global_attention.h"

#include <ATen/ATen.h>

#include <vector>

#include "moca/nn/flops.h"
#include "moca/ops/attention.h"

namespace moca::dit {

at::Tensor DenseGlobalAttention::forward(AttentionModules modules, const at::Tensor& tokens,
                                         const BlockContext& context) const {
  const auto heads = modules.attention->project(tokens);
  const auto attend = [&](const AssetGroup& group) {
    return ops::attention_between(group.of_components(heads.query), group.of_components(heads.key),
                                  group.of_components(heads.value));  // [assets, N, H, S, K]
  };
  return modules.attention->project_output(context.layout->heads_of_groups(attend));
}

double DenseGlobalAttention::flops(int64_t num_components, int64_t num_tokens) const {
  const double D = width_, tokens = num_components * num_updated(num_tokens);
  return nn::linear_flops(tokens, D, 4 * D) + nn::attention_flops(tokens, tokens, D);
}

}  // namespace moca::dit
