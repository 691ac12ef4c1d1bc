#include "moca/nn/linear.h"

#include "moca/ops/linear.h"

namespace moca::nn {

LinearImpl::LinearImpl(int64_t width_in, int64_t width_out, bool with_bias)
    : torch::nn::LinearImpl(torch::nn::LinearOptions(width_in, width_out).bias(with_bias)) {}

at::Tensor LinearImpl::forward(const at::Tensor& input) {
  return ops::linear(input, effective_weight(), bias);
}

}  // namespace moca::nn
