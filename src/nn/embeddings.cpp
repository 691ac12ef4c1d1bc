#include "moca/nn/embeddings.h"

#include <ATen/ATen.h>

#include <cmath>

#include "moca/core/shapes.h"

namespace moca::nn {
namespace {

constexpr double kNumTrainTimesteps = 1000.0;  // TripoSG's scheduler_config.json

}  // namespace

int64_t embedded_point_width(int64_t num_frequencies) { return 3 * (2 * num_frequencies + 1); }

at::Tensor embed_points(const at::Tensor& points, int64_t num_frequencies, bool include_pi) {
  TORCH_CHECK(points.dim() >= 1 && points.size(-1) == 3, "expected points [..., 3], got ",
              points.sizes());
  const double unit = include_pi ? M_PI : 1.0;
  const auto frequencies = at::pow(2.0, at::arange(num_frequencies, points.options())) * unit;
  const auto angles = (points.unsqueeze(-1) * frequencies).flatten(-2);  // [..., 3F]
  return at::cat({points, angles.sin(), angles.cos()}, -1);
}

at::Tensor embed_timestep(const at::Tensor& timestep, int64_t width) {
  const auto [B] = shape<1>(timestep, "timestep [B]");
  TORCH_CHECK(width % 2 == 0, "the width of the time token must be even, got ", width);
  const auto options = timestep.options().dtype(at::kFloat);
  const int64_t half = width / 2;
  // Every operation in the order of diffusers' get_timestep_embedding: at a timestep of 1000 one
  // unit in the last place of a frequency moves the sine by 6e-5.
  const auto exponent = at::arange(half, options) * -std::log(10000.0) / static_cast<double>(half);
  const auto angles = timestep.to(at::kFloat).view({B, 1}) * exponent.exp();
  return at::cat({angles.sin(), angles.cos()}, -1);
}

at::Tensor embed_noise_level(const at::Tensor& noise_level, int64_t width) {
  // The product in double, so that a level made from a timestep gives that timestep again.
  return embed_timestep((noise_level.to(at::kDouble) * kNumTrainTimesteps).to(at::kFloat), width);
}

TimeProjectionImpl::TimeProjectionImpl(int64_t width)
    : linear_1_(register_module("linear_1", torch::nn::Linear(width, 4 * width))),
      linear_2_(register_module("linear_2", torch::nn::Linear(4 * width, width))) {}

at::Tensor TimeProjectionImpl::forward(const at::Tensor& embedded) {
  return linear_2_(at::gelu(linear_1_(embedded.to(linear_1_->weight.scalar_type())), "none"));
}

}  // namespace moca::nn
