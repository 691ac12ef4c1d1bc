#include "moca/dit/local_attention.h"

#include <ATen/ATen.h>

#include "moca/core/shapes.h"
#include "moca/ops/attention.h"

namespace moca::dit {

at::Tensor local_attention(nn::Attention& attention, const at::Tensor& tokens, int64_t num_added) {
  const auto [n, S, D] = shape<3>(tokens, "tokens [n, S, D]");
  const auto heads = attention->project(tokens);
  if (num_added == 0) {
    return attention->project_output(ops::attention(heads.query, heads.key, heads.value));
  }
  // Nested key ranges instead of a mask: tokens [begin, end) attend to tokens [0, end).
  const auto attend_up_to = [&](int64_t begin, int64_t end) {
    return ops::attention(heads.query.narrow(2, begin, end - begin), heads.key.narrow(2, 0, end),
                          heads.value.narrow(2, 0, end));
  };
  const int64_t num_vecset = S - num_added;
  return attention->project_output(at::cat(
      {attend_up_to(0, num_vecset), attend_up_to(num_vecset, S - 1), attend_up_to(S - 1, S)}, 2));
}

}  // namespace moca::dit
