#include "moca/ops/linear.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/Utils.h>

#include <optional>
#include <string_view>

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

}  // namespace

bool processor_multiplies_bf16() {
  static const bool known = [] {
    const auto capabilities = at::cpu::get_cpu_capabilities();
    const auto found = capabilities.find("avx512_bf16");
    return found != capabilities.end() && found->second.toBool();
  }();
  return known;
}

bool onednn_applies(const at::Tensor& input, const at::Tensor& weight) {
  const auto type = input.scalar_type();
  const bool recorded =
      at::GradMode::is_enabled() && (input.requires_grad() || weight.requires_grad());
  const bool known_type =
      type == at::kFloat || (type == at::kBFloat16 && processor_multiplies_bf16());
  return !recorded && known_type && weight.scalar_type() == type && input.device().is_cpu() &&
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
  const bool bias_fits = !bias.defined() || (bias.scalar_type() == input.scalar_type() &&
                                             !(at::GradMode::is_enabled() && bias.requires_grad()));
  if (bias_fits && input.numel() * weight.size(0) >= smallest_product(input.scalar_type()) &&
      onednn_applies(input, weight)) {
    return onednn_linear(input.contiguous(), weight, bias, gelu);
  }
  const auto output = at::linear(input, weight, bias);
  return gelu ? at::gelu(output, "none") : output;
}

}  // namespace moca::ops
