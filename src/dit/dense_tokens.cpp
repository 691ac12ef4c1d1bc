#include "moca/dit/dense_tokens.h"

#include <algorithm>
#include <cmath>

namespace moca::dit {

int64_t dense_tokens_of_same_pairs(const DitConfig& config, int64_t num_tokens,
                                   int64_t num_components) {
  const int64_t N = num_components, num_vecset = num_tokens + 1;  // the time token takes part
  const int64_t M = config.attend_compressed ? config.num_compressed_tokens : 0;
  const int64_t selected = std::min(config.router.num_selected, N - 1);       // k
  const int64_t keys = (1 + selected) * num_vecset + (N - 1 - selected) * M;  // L_global
  const double pairs_of_component = static_cast<double>(num_vecset) * static_cast<double>(keys);
  const double vecset = std::sqrt(pairs_of_component / static_cast<double>(N));
  return std::max<int64_t>(1, static_cast<int64_t>(std::floor(vecset)) - 1);
}

}  // namespace moca::dit
