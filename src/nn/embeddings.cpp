#include "moca/nn/embeddings.h"

#include <ATen/ATen.h>

#include <cmath>

#include "moca/core/shapes.h"

namespace moca::nn {

int64_t embedded_point_width(int64_t num_frequencies) { return 3 * (2 * num_frequencies + 1); }

at::Tensor embed_points(const at::Tensor& points, int64_t num_frequencies, bool include_pi) {
  TORCH_CHECK(points.dim() >= 1 && points.size(-1) == 3, "expected points [..., 3], got ",
              points.sizes());
  const double unit = include_pi ? M_PI : 1.0;
  const auto frequencies = at::pow(2.0, at::arange(num_frequencies, points.options())) * unit;
  const auto angles = (points.unsqueeze(-1) * frequencies).flatten(-2);  // [..., 3F]
  return at::cat({points, angles.sin(), angles.cos()}, -1);
}

at::Tensor embed_noise_level(const at::Tensor& noise_level, int64_t width) {
  const auto [B] = shape<1>(noise_level, "noise_level [B]");
  TORCH_CHECK(width % 2 == 0, "the width of the time token must be even, got ", width);
  const auto options = noise_level.options().dtype(at::kFloat);
  const int64_t half = width / 2;
  const auto frequencies = at::exp(at::arange(half, options) * (-std::log(10000.0) / half));
  const auto timestep =
      noise_level.to(at::kFloat) * 1000.0;  // num_train_timesteps of the scheduler
  const auto angles = timestep.view({B, 1}) * frequencies;
  return at::cat({angles.sin(), angles.cos()}, -1);
}

TimeProjectionImpl::TimeProjectionImpl(int64_t width)
    : linear_1_(register_module("linear_1", torch::nn::Linear(width, 4 * width))),
      linear_2_(register_module("linear_2", torch::nn::Linear(4 * width, width))) {}

at::Tensor TimeProjectionImpl::forward(const at::Tensor& embedded) {
  return linear_2_(at::gelu(linear_1_(embedded), "none"));
}

}  // namespace moca::nn
