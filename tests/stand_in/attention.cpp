// LibTorch's attention kernels for a GPU: the CPU's numbers, laid out as theirs, refusing what they
// refuse.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <torch/library.h>

#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include "tensors.h"

namespace moca::stand_in {
namespace {

using at::Tensor;
using Three = std::tuple<Tensor, Tensor, Tensor>;
using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;
using Nine =
    std::tuple<Tensor, Tensor, Tensor, Tensor, c10::SymInt, c10::SymInt, Tensor, Tensor, Tensor>;

constexpr int64_t kPlain = 0, kFlash = 1, kEfficient = 2, kCudnn = 3;
constexpr int64_t kHeadStep = 8;   // channels
constexpr int64_t kPaddedTo = 32;  // log-sum-exps of the memory-efficient kernel

bool is_half(const Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf;
}

void check(bool holds, const char* kernel, const char* rule) {
  TORCH_CHECK(holds, "stand-in device: the ", kernel, " attention wants ", rule);
}

void check_heads(const Tensor& query, const Tensor& key, const Tensor& value, const char* kernel) {
  check(is_half(query) && key.dtype() == query.dtype() && value.dtype() == query.dtype(), kernel,
        "bf16 or half");
  check(query.size(3) % kHeadStep == 0, kernel, "heads of a multiple of 8 channels");
  for (const auto& tensor : {query, key, value}) {
    check(tensor.stride(3) == 1, kernel, "channels side by side");
  }
}

// As on a Hopper: cuDNN's, flash, memory-efficient, else plain products.
int64_t choose(const Tensor& query, const Tensor& key, const Tensor& value,
               const std::optional<Tensor>& mask, double /*dropout*/, bool /*causal*/,
               std::optional<double> /*scale*/, bool /*grouped*/) {
  const auto& context = at::globalContext();
  const bool half = is_half(query) && query.size(3) % kHeadStep == 0 &&
                    query.size(3) == value.size(3) && key.size(2) > 0;
  if (half && context.userEnabledCuDNNSDP()) {
    return kCudnn;
  }
  if (half && context.userEnabledFlashSDP() && !mask) {
    return kFlash;
  }
  if (query.scalar_type() != at::kDouble && context.userEnabledMemEfficientSDP()) {
    return kEfficient;
  }
  return kPlain;
}

// Output and log-sum-exp [B, H, S] on the CPU.
std::pair<Tensor, Tensor> attend(const Tensor& query, const Tensor& key, const Tensor& value,
                                 const std::optional<Tensor>& mask) {
  std::optional<Tensor> bias;
  if (mask && mask->defined()) {
    bias = on_host(*mask);
  }
  const auto [output, log_sum_exp] = at::_scaled_dot_product_flash_attention_for_cpu(
      on_host(query), on_host(key), on_host(value), 0.0, false, bias);
  return {output, log_sum_exp};
}

// [B, H, S, K] with the heads of a token side by side.
Tensor token_by_token(c10::Device device, const Tensor& tensor) {
  return copied_to(device, tensor.transpose(1, 2).contiguous().transpose(1, 2));
}

Tensor a_number(c10::Device device) { return copied_to(device, at::zeros({}, at::kLong)); }

Nine flash(const Tensor& query, const Tensor& key, const Tensor& value, double /*dropout*/,
           bool /*causal*/, bool /*debug*/, std::optional<double> /*scale*/) {
  check_heads(query, key, value, "flash");
  const auto [output, log_sum_exp] = attend(query, key, value, {});
  return {token_by_token(query.device(), output),
          copied_to(query.device(), log_sum_exp),
          {},
          {},
          query.size(2),
          key.size(2),
          a_number(query.device()),
          a_number(query.device()),
          {}};
}

Nine cudnn(const Tensor& query, const Tensor& key, const Tensor& value,
           const std::optional<Tensor>& mask, bool /*log_sum_exp*/, double /*dropout*/,
           bool /*causal*/, bool /*debug*/, std::optional<double> /*scale*/) {
  check_heads(query, key, value, "cuDNN");
  const auto [output, log_sum_exp] = attend(query, key, value, mask);
  // Its output lies as the query does.
  const auto laid_out = at::empty_like(on_host(query)).copy_(output);
  return {copied_to(query.device(), laid_out),
          copied_to(query.device(), log_sum_exp.unsqueeze(-1).contiguous()),
          {},
          {},
          query.size(2),
          key.size(2),
          a_number(query.device()),
          a_number(query.device()),
          {}};
}

Four efficient(const Tensor& query, const Tensor& key, const Tensor& value,
               const std::optional<Tensor>& mask, bool /*log_sum_exp*/, double /*dropout*/,
               bool /*causal*/, std::optional<double> /*scale*/) {
  const auto [output, log_sum_exp] = attend(query, key, value, mask);
  const int64_t S = query.size(2);
  const auto padded =
      at::full({query.size(0), query.size(1), (S + kPaddedTo - 1) / kPaddedTo * kPaddedTo},
               std::numeric_limits<float>::infinity(), at::kFloat);
  padded.narrow(2, 0, S).copy_(log_sum_exp);
  return {token_by_token(query.device(), output), copied_to(query.device(), padded),
          a_number(query.device()), a_number(query.device())};
}

Three gradients(const Tensor& gradient, const Tensor& query, const Tensor& key, const Tensor& value,
                const Tensor& output, const Tensor& log_sum_exp, const Tensor& mask) {
  std::optional<Tensor> bias;
  if (mask.defined()) {
    bias = on_host(mask);
  }
  const auto [of_query, of_key, of_value] =
      at::_scaled_dot_product_flash_attention_for_cpu_backward(
          on_host(gradient), on_host(query), on_host(key), on_host(value), on_host(output),
          log_sum_exp, 0.0, false, bias);
  return {token_by_token(query.device(), of_query), token_by_token(query.device(), of_key),
          token_by_token(query.device(), of_value)};
}

Three flash_backward(const Tensor& gradient, const Tensor& query, const Tensor& key,
                     const Tensor& value, const Tensor& output, const Tensor& log_sum_exp,
                     const Tensor& /*starts_q*/, const Tensor& /*starts_k*/, c10::SymInt S,
                     c10::SymInt T, double /*dropout*/, bool /*causal*/, const Tensor& seed,
                     const Tensor& offset, std::optional<double> /*scale*/) {
  check(seed.defined() && offset.defined(), "flash", "the forward pass's random state");
  check(S == query.size(2) && T == key.size(2), "flash", "the numbers of tokens");
  return gradients(gradient, query, key, value, output, on_host(log_sum_exp), {});
}

Three cudnn_backward(const Tensor& gradient, const Tensor& query, const Tensor& key,
                     const Tensor& value, const Tensor& output, const Tensor& log_sum_exp,
                     const Tensor& seed, const Tensor& offset, const Tensor& mask,
                     const Tensor& /*starts_q*/, const Tensor& /*starts_k*/, c10::SymInt /*S*/,
                     c10::SymInt /*T*/, double /*dropout*/, bool /*causal*/,
                     std::optional<double> /*scale*/) {
  check(seed.defined() && offset.defined(), "cuDNN", "the forward pass's random state");
  check(gradient.strides() == output.strides(), "cuDNN", "the gradient laid out as the output");
  return gradients(gradient, query, key, value, output, on_host(log_sum_exp).squeeze(-1), mask);
}

Four efficient_backward(const Tensor& gradient, const Tensor& query, const Tensor& key,
                        const Tensor& value, const Tensor& mask, const Tensor& output,
                        const Tensor& log_sum_exp, const Tensor& seed, const Tensor& offset,
                        double /*dropout*/, std::array<bool, 4> /*wanted*/, bool /*causal*/,
                        std::optional<double> /*scale*/) {
  check(seed.defined() && offset.defined(), "memory-efficient", "the forward pass's random state");
  check(log_sum_exp.size(2) % kPaddedTo == 0, "memory-efficient", "its own log-sum-exps");
  const auto found = on_host(log_sum_exp).narrow(2, 0, query.size(2)).contiguous();
  const auto [of_query, of_key, of_value] =
      gradients(gradient, query, key, value, output, found, mask);
  return {of_query, of_key, of_value, Tensor()};
}

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("_fused_sdp_choice", &choose);
  library.impl("_scaled_dot_product_flash_attention", &flash);
  library.impl("_scaled_dot_product_cudnn_attention", &cudnn);
  library.impl("_scaled_dot_product_efficient_attention", &efficient);
  library.impl("_scaled_dot_product_flash_attention_backward", &flash_backward);
  library.impl("_scaled_dot_product_cudnn_attention_backward", &cudnn_backward);
  library.impl("_scaled_dot_product_efficient_attention_backward", &efficient_backward);
}

}  // namespace
}  // namespace moca::stand_in
