#include "moca/ops/float_product.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

#include "few_rows_linear.h"
#include "moca/ops/linear.h"

namespace moca::ops {
namespace {

// While it lives, products on `device` are computed in the type of their factors.
struct WithoutAutocast : c10::impl::ExcludeDispatchKeyGuard {
  explicit WithoutAutocast(c10::Device device)
      : ExcludeDispatchKeyGuard(
            at::autocast::get_autocast_dispatch_key_from_device_type(device.type())) {}
};

at::Tensor product_in_type(const at::Tensor& left, const at::Tensor& right) {
  const WithoutAutocast scope(left.device());
  return right.dim() == 2 ? linear(left, right, at::Tensor())
                          : at::matmul(left, right.transpose(-2, -1));
}

// A function of its own because training calls the backward pass under autocast.
struct FloatProduct : torch::autograd::Function<FloatProduct> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& left,
                            const at::Tensor& right) {
    context->save_for_backward({left, right});
    return product_in_type(left, right);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& left = saved[0];
    const auto& right = saved[1];
    const WithoutAutocast scope(left.device());
    at::Tensor of_left, of_right;
    if (context->needs_input_grad(0)) {
      of_left = at::matmul(gradients[0], right);
    }
    if (context->needs_input_grad(1)) {
      of_right = right.dim() == 2 ? at::mm(gradients[0].flatten(0, -2).t(), left.flatten(0, -2))
                                  : at::matmul(gradients[0].transpose(-2, -1), left);
    }
    return {of_left, of_right};
  }
};

}  // namespace

at::Tensor float_product(const at::Tensor& left, const at::Tensor& right) {
  const bool recorded =
      at::GradMode::is_enabled() && (left.requires_grad() || right.requires_grad());
  if (!recorded && right.dim() == 2) {
    const WithoutAutocast scope(left.device());
    if (few_rows_apply(left, right)) {  // a bf16 weight need not be copied to float
      return few_rows_product(left, right);
    }
  }
  const auto type = at::promote_types(left.scalar_type(), at::kFloat);
  return recorded ? FloatProduct::apply(left.to(type), right.to(type))
                  : product_in_type(left.to(type), right.to(type));
}

}  // namespace moca::ops
