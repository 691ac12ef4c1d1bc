#include "library_attention.h"

#include <ATen/ATen.h>

#include <cmath>

namespace moca::ops {
namespace {

// LibTorch's numbers of its kernels (sdp::SDPBackend in ATen/native/transformers/sdp_utils_cpp.h).
constexpr int64_t kTorchPlain = 0, kTorchFlash = 1, kTorchEfficient = 2, kTorchCudnn = 3;
// Channels of a head that its kernels for a GPU take are multiples of this (sdp_utils.cpp, for
// bf16).
constexpr int64_t kGpuHeadStep = 8;

LibraryKernel choose(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  // It pads other heads before it gives them to these kernels, which is not worth its code here.
  const bool has_kernels = query.size(3) % kGpuHeadStep == 0 || query.device().is_cpu();
  switch (has_kernels ? at::_fused_sdp_choice(query, key, value) : kTorchPlain) {
    case kTorchFlash:
      return query.device().is_cpu() ? LibraryKernel::kFlashOnCpu : LibraryKernel::kFlash;
    case kTorchEfficient:
      return LibraryKernel::kEfficient;
    case kTorchCudnn:
      return LibraryKernel::kCudnn;
    default:
      return LibraryKernel::kPlain;
  }
}

double scale(const at::Tensor& query) {
  return 1.0 / std::sqrt(static_cast<double>(query.size(3)));
}

at::Tensor scores(const at::Tensor& query, const at::Tensor& key) {
  return at::matmul(query, key.transpose(2, 3)) * scale(query);
}

LibraryAttention plain(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  const auto products = scores(query, key);
  return {LibraryKernel::kPlain,
          at::matmul(products.softmax(-1), value),
          products.logsumexp(-1),
          {},
          {}};
}

LibraryGradients plain_backward(const at::Tensor& gradient, const at::Tensor& query,
                                const at::Tensor& key, const at::Tensor& value,
                                const LibraryAttention& forward) {
  const auto weights = (scores(query, key) - forward.log_sum_exp.unsqueeze(-1)).exp();
  const auto mean = (gradient * forward.output).sum(-1, true);
  const auto of_scores =
      weights * (at::matmul(gradient, value.transpose(2, 3)) - mean) * scale(query);
  return {at::matmul(of_scores, key), at::matmul(of_scores.transpose(2, 3), query),
          at::matmul(weights.transpose(2, 3), gradient)};
}

}  // namespace

LibraryAttention library_attention(const at::Tensor& query, const at::Tensor& key,
                                   const at::Tensor& value) {
  const auto kernel = choose(query, key, value);
  switch (kernel) {
    case LibraryKernel::kFlashOnCpu: {
      const auto [output, log_sum_exp] =
          at::_scaled_dot_product_flash_attention_for_cpu(query, key, value);
      return {kernel, output, log_sum_exp, {}, {}};
    }
    case LibraryKernel::kFlash: {
      const auto result = at::_scaled_dot_product_flash_attention(query, key, value);
      return {kernel, std::get<0>(result), std::get<1>(result), std::get<6>(result),
              std::get<7>(result)};
    }
    case LibraryKernel::kEfficient: {
      const auto [output, log_sum_exp, seed, offset] =
          at::_scaled_dot_product_efficient_attention(query, key, value, {}, true);
      return {kernel, output, log_sum_exp, seed, offset};
    }
    case LibraryKernel::kCudnn: {
      const auto result = at::_scaled_dot_product_cudnn_attention(query, key, value, {}, true);
      return {kernel, std::get<0>(result), std::get<1>(result), std::get<6>(result),
              std::get<7>(result)};
    }
    default:
      return plain(query, key, value);
  }
}

LibraryGradients library_attention_backward(const at::Tensor& output_gradient,
                                            const at::Tensor& query, const at::Tensor& key,
                                            const at::Tensor& value,
                                            const LibraryAttention& forward) {
  const auto& [kernel, output, log_sum_exp, seed, offset] = forward;
  const int64_t S = query.size(2), T = key.size(2);
  switch (kernel) {
    case LibraryKernel::kFlashOnCpu: {
      const auto [of_query, of_key, of_value] =
          at::_scaled_dot_product_flash_attention_for_cpu_backward(
              output_gradient, query, key, value, output, log_sum_exp, 0.0, false);
      return {of_query, of_key, of_value};
    }
    case LibraryKernel::kFlash: {
      const auto [of_query, of_key, of_value] = at::_scaled_dot_product_flash_attention_backward(
          output_gradient, query, key, value, output, log_sum_exp, {}, {}, S, T, 0.0, false, seed,
          offset);
      return {of_query, of_key, of_value};
    }
    case LibraryKernel::kEfficient: {
      const auto [of_query, of_key, of_value, of_bias] =
          at::_scaled_dot_product_efficient_attention_backward(
              output_gradient, query, key, value, {}, output, log_sum_exp, seed, offset, 0.0,
              {true, true, true, false});
      return {of_query, of_key, of_value};
    }
    case LibraryKernel::kCudnn: {
      // It wants the gradient laid out as the output.
      const auto laid_out = output_gradient.strides() == output.strides()
                                ? output_gradient
                                : at::empty_like(output).copy_(output_gradient);
      const auto [of_query, of_key, of_value] = at::_scaled_dot_product_cudnn_attention_backward(
          laid_out, query, key, value, output, log_sum_exp, seed, offset, {}, {}, {}, S, T, 0.0,
          false);
      return {of_query, of_key, of_value};
    }
    default:
      return plain_backward(output_gradient, query, key, value, forward);
  }
}

}  // namespace moca::ops
