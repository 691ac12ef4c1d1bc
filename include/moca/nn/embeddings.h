#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

namespace moca::nn {

// Width of what embed_points gives: 3 * (2 F + 1).
int64_t embedded_point_width(int64_t num_frequencies);

// Points and the sines and cosines of their coordinates at frequencies 2^f, f = 0 .. F - 1 (times
// pi if asked). points: [..., 3]; returns [..., 3 (2F + 1)] as [x, sin, cos], the sine and cosine
// blocks each coordinate-major (TripoSG's FrequencyPositionalEmbedding).
at::Tensor embed_points(const at::Tensor& points, int64_t num_frequencies, bool include_pi);

// The sinusoid of a timestep in [0, 1000], sines first. timestep: [B]; returns [B, width] float.
at::Tensor embed_timestep(const at::Tensor& timestep, int64_t width);

// The same of the timestep 1000 * noise_level (the only place where noise levels become timesteps).
// noise_level: [B] in [0, 1], float or double.
at::Tensor embed_noise_level(const at::Tensor& noise_level, int64_t width);

// Two linear layers with exact GELU between: the time token's network. Keys linear_1, linear_2.
class TimeProjectionImpl : public torch::nn::Module {
 public:
  explicit TimeProjectionImpl(int64_t width);
  // embedded: [B, D], see embed_noise_level. Returns [B, D].
  at::Tensor forward(const at::Tensor& embedded);

 private:
  torch::nn::Linear linear_1_{nullptr};
  torch::nn::Linear linear_2_{nullptr};
};
TORCH_MODULE(TimeProjection);

}  // namespace moca::nn
