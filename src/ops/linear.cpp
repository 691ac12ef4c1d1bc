#include "moca/ops/linear.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/Utils.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <string_view>

#include "few_rows_linear.h"
#include "once_differentiable.h"
#include "onednn.h"

namespace moca::ops {
namespace {

using LinearSignature = at::Tensor(const at::Tensor&, const at::Tensor&,
                                   const std::optional<at::Tensor>&, std::string_view,
                                   c10::List<std::optional<at::Scalar>>,
                                   std::optional<std::string_view>);

// LibTorch's operator for linear layers that its compiler emits; nothing without oneDNN.
const std::optional<c10::TypedOperatorHandle<LinearSignature>>& linear_operator() {
  static const auto found = []() -> std::optional<c10::TypedOperatorHandle<LinearSignature>> {
    const auto schema = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!schema || !at::globalContext().userEnabledMkldnn()) {
      return std::nullopt;
    }
    return schema->typed<LinearSignature>();
  }();
  return found;
}

// Below this many multiplications the call itself costs more than is gained. MKL's bf16 products of
// a few rows are slower than their float ones.
int64_t smallest_product(at::ScalarType type) {
  return type == at::kBFloat16 ? int64_t{1} << 16 : int64_t{1} << 22;
}

// The linear layer by oneDNN with its gradient, three products of the same kind.
struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
    context->save_for_backward({input, weight});
    // Without a bias it holds an undefined tensor.
    context->saved_data["has_bias"] = bias->defined();
    return onednn_linear(input, weight, *bias, false);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& weight = saved[1];
    const auto input = saved[0].flatten(0, -2);       // [rows, in]
    const auto output = gradients[0].flatten(0, -2);  // [rows, out]
    at::Tensor of_input, of_weight, of_bias;
    if (context->needs_input_grad(0)) {
      of_input = onednn_linear(output, weight.t().contiguous(), at::Tensor(), false)
                     .view(saved[0].sizes());
    }
    if (context->needs_input_grad(1)) {
      of_weight =
          onednn_linear(output.t().contiguous(), input.t().contiguous(), at::Tensor(), false);
    }
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2)) {
      of_bias = output.sum(0);
    }
    return once_differentiable("a linear layer", {of_input, of_weight, of_bias});
  }
};

}  // namespace

bool processor_multiplies_bf16() {
  static const bool known = at::cpu::get_cpu_capabilities()["avx512_bf16"] == c10::IValue(true);
  return known;
}

bool onednn_applies(const at::Tensor& input, const at::Tensor& weight) {
  const auto type = input.scalar_type();
  const bool known_type =
      type == at::kFloat || (type == at::kBFloat16 && processor_multiplies_bf16());
  return known_type && weight.scalar_type() == type && input.device().is_cpu() &&
         weight.device().is_cpu() && !at::autocast::is_autocast_enabled(at::kCPU) &&
         linear_operator().has_value();
}

at::Tensor onednn_linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                         bool gelu) {
  const auto optional_bias = bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
  return linear_operator()->call(input, weight, optional_bias, gelu ? "gelu" : "none",
                                 c10::List<std::optional<at::Scalar>>(),
                                 gelu ? std::optional<std::string_view>("none") : std::nullopt);
}

at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                  Activation activation) {
  const bool gelu = activation == Activation::kGelu;
  const bool bias_fits = !bias.defined() || bias.scalar_type() == input.scalar_type();
  const auto requires_grad = [](const at::Tensor& t) { return t.defined() && t.requires_grad(); };
  const bool recorded = at::GradMode::is_enabled() &&
                        (requires_grad(input) || requires_grad(weight) || requires_grad(bias));
  if (bias_fits && !recorded && few_rows_apply(input, weight)) {
    return few_rows_linear(input, weight, bias, gelu);
  }
  if (!bias_fits || input.numel() * weight.size(0) < smallest_product(input.scalar_type()) ||
      !onednn_applies(input, weight)) {
    const auto output = at::linear(input, weight, bias);
    return gelu ? at::gelu(output, "none") : output;
  }
  if (!recorded) {
    return onednn_linear(input.contiguous(), weight, bias, gelu);
  }
  const auto output = LinearFunction::apply(input.contiguous(), weight, std::optional(bias));
  return gelu ? at::gelu(output, "none") : output;
}

}  // namespace moca::ops
