#include "moca/dit/flop_count.h"

#include "moca/dit/block_attention.h"
#include "moca/nn/flops.h"

namespace moca::dit {
namespace {

using nn::attention_flops;
using nn::linear_flops;

double packing(const DitConfig& config, const DitSizes& sizes) {
  const double D = config.width, L = sizes.num_tokens, added = config.num_added_tokens();
  return linear_flops(L, D, 2 * D) + attention_flops(added, L, D) + linear_flops(added, D, D);
}

// Keys and values once per asset or component; `rows` of each of N components attend.
double condition_attention(const DitSizes::ConditionSize& condition, double N, double rows,
                           double D) {
  const double T = condition.num_tokens;
  const double contexts = condition.scope == ConditionScope::kComponent ? N : 1.0;
  return contexts * linear_flops(T, condition.width, 2 * D) +
         N * (2 * linear_flops(rows, D, D) + attention_flops(rows, T, D));
}

double block(const DitConfig& config, const DitSizes& sizes, int64_t num_components,
             int64_t index) {
  const auto attention = block_attention(config, index);
  const double N = num_components, D = config.width;
  const double rows = attention->num_updated(sizes.num_tokens);
  double flops =
      attention->flops(num_components, sizes.num_tokens) + N * nn::feed_forward_flops(rows, D);
  if (config.is_global(index) ? config.global_image_attention : config.local_image_attention) {
    for (const auto& condition : sizes.conditions) {
      flops += condition_attention(condition, N, rows, D);
    }
  }
  if (index > config.num_layers / 2) {  // the skip
    flops += N * linear_flops(sizes.num_tokens + 1 + config.num_added_tokens(), 2 * D, D);
  }
  return flops;
}

}  // namespace

double forward_flops(const DitConfig& config, const DitSizes& sizes,
                     const std::vector<int64_t>& components_of_assets) {
  const bool packs = config.num_added_tokens() > 0;
  const double D = config.width;
  const double time_token = linear_flops(1, D, 4 * D) + linear_flops(1, 4 * D, D);
  // proj_in and proj_out.
  const double ends = 2 * linear_flops(sizes.num_tokens, sizes.latent_channels, D);
  const double of_component = ends + (packs ? packing(config, sizes) : 0.0);
  // Packing's queries are the same for all.
  double flops = linear_flops(config.num_added_tokens(), D, D);
  for (const int64_t num_components : components_of_assets) {
    flops += time_token + static_cast<double>(num_components) * of_component;
    for (int64_t i = 0; i < config.num_layers; ++i) {
      flops += block(config, sizes, num_components, i);
    }
  }
  return flops;
}

}  // namespace moca::dit
