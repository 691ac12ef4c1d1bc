#include "moca/nn/attention.h"

#include <ATen/ATen.h>

#include "moca/core/mapped.h"
#include "moca/core/shapes.h"
#include "moca/ops/linear.h"

namespace moca::nn {

std::vector<at::Tensor> split_heads(const at::Tensor& projected, int64_t num_heads, int64_t parts) {
  const int64_t head_width = projected.size(2) / (num_heads * parts);
  // On the axis of the parts: the backward pass is one stack, without a copy in another order.
  const auto split =
      projected.view({projected.size(0), projected.size(1), num_heads, parts, head_width})
          .unbind(3);
  return mapped(split, [](const at::Tensor& heads) { return heads.transpose(1, 2); });
}

namespace {

// Heads [n, H, S, K], laid out as [n, S, H, K]: LibTorch's norm on a GPU gives rows in the order of
// the axes, and attention its output in the layout of its queries. Another order costs copies.
at::Tensor normalised(RmsNorm& norm, const at::Tensor& heads) {
  return norm ? norm(heads.transpose(1, 2)).transpose(1, 2) : heads;
}

}  // namespace

AttentionImpl::AttentionImpl(const AttentionSizes& sizes) : sizes_(sizes) {
  TORCH_CHECK(sizes.num_heads > 0 && sizes.width % sizes.num_heads == 0, "width (", sizes.width,
              ") must be a multiple of num_heads (", sizes.num_heads, ")");
  const int64_t context_width = sizes.context_width > 0 ? sizes.context_width : sizes.width;
  const auto linear = [&](int64_t width_in) {
    return Linear(width_in, sizes.width, /*with_bias=*/false);
  };
  to_q_ = register_module("to_q", linear(sizes.width));
  to_k_ = register_module("to_k", linear(context_width));
  to_v_ = register_module("to_v", linear(context_width));
  to_out_ = Linear(sizes.width, sizes.width);
  register_group(*this, "to_out")
      ->register_module("0", to_out_);  // 1 is a dropout in diffusers, without parameters
  if (sizes.qk_norm) {
    norm_q_ = register_module("norm_q", RmsNorm(sizes.width / sizes.num_heads));
    norm_k_ = register_module("norm_k", RmsNorm(sizes.width / sizes.num_heads));
  }
  if (sizes.normed_context) {
    norm_cross_ = register_module("norm_cross", LayerNorm(context_width));
  }
}

at::Tensor AttentionImpl::self_weight() const {
  return at::cat({to_q_->effective_weight(), to_k_->effective_weight(), to_v_->effective_weight()});
}

HeadTensors AttentionImpl::project(const at::Tensor& tokens) {
  const auto projected = ops::linear(tokens, self_weight(), at::Tensor());
  const auto parts = split_heads(projected, sizes_.num_heads, 3);
  return {normalised(norm_q_, parts[0]), normalised(norm_k_, parts[1]), parts[2]};
}

HeadTensors AttentionImpl::project_key_value(const at::Tensor& tokens) {
  const int64_t head_width = sizes_.width / sizes_.num_heads;
  const auto weight = self_weight()
                          .view({sizes_.num_heads, 3, head_width, sizes_.width})
                          .narrow(1, 1, 2)
                          .reshape({2 * sizes_.width, sizes_.width});
  return key_value(tokens, weight);
}

at::Tensor AttentionImpl::project_query(const at::Tensor& tokens) {
  return normalised(norm_q_, split_heads(to_q_(tokens), sizes_.num_heads, 1)[0]);
}

HeadTensors AttentionImpl::project_context(const at::Tensor& context) {
  const auto normed = norm_cross_ ? norm_cross_(context) : context;
  return key_value(normed, at::cat({to_k_->effective_weight(), to_v_->effective_weight()}));
}

HeadTensors AttentionImpl::key_value(const at::Tensor& tokens, const at::Tensor& weight) {
  const auto projected = ops::linear(tokens, weight, at::Tensor());
  const auto parts = split_heads(projected, sizes_.num_heads, 2);
  return {at::Tensor(), normalised(norm_k_, parts[0]), parts[1]};
}

at::Tensor AttentionImpl::project_output(const at::Tensor& heads) {
  const auto [n, H, S, K] = shape<4>(heads, "attention output [n, H, S, K]");
  return to_out_(heads.transpose(1, 2).reshape({n, S, H * K}));
}

at::Tensor AttentionImpl::output_bias() const { return to_out_->bias; }

}  // namespace moca::nn
