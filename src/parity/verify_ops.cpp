#include <ATen/ATen.h>
#include <torch/types.h>

#include <cmath>

#include "kinds.h"
#include "moca/core/error.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/nn/attention.h"
#include "moca/nn/embeddings.h"
#include "moca/ops/farthest_point_sampling.h"

namespace moca::parity {
namespace {

constexpr double kOpsTolerance = 1e-6;
constexpr double kAngleTolerance = 1e-4;

// The outputs "layer_norm_eps1e-05", ..., whose names begin so and end with the norm's epsilon.
template <class Norm>
void compare_norms(Fixture& fixture, const std::string& beginning) {
  const auto input = fixture.input("small_var");
  for (const auto& name : fixture.output_names()) {
    if (name.starts_with(beginning)) {
      Norm norm(input.size(-1), std::stod(name.substr(beginning.size())));
      norm->to(fixture.device());
      for (auto& parameter : norm->named_parameters()) {
        parameter.value().copy_(fixture.input(parameter.key() == "weight" ? "norm_w" : "norm_b"));
      }
      fixture.compare(name, norm(input));
    }
  }
}

void compare_head_splits(Fixture& fixture) {
  const int64_t num_heads = fixture.at("heads");
  const auto k = fixture.input("k");
  const auto v = fixture.input("v");
  const auto own = nn::split_heads(at::cat({fixture.input("q"), k, v}, -1), num_heads, 3);
  fixture.compare("self_q", own[0]);
  fixture.compare("self_k", own[1]);
  fixture.compare("self_v", own[2]);
  const auto cross = nn::split_heads(at::cat({k, v}, -1), num_heads, 2);
  fixture.compare("cross_k", cross[0]);
  fixture.compare("cross_v", cross[1]);
}

// Points [P, d <= 3] as [1, P, 3]; a zero axis changes no distance.
at::Tensor in_space(const at::Tensor& points) {
  if (points.size(1) > 3) {
    throw Error("farthest point sampling of points with ", points.size(1),
                " axes: at most 3 are supported.");
  }
  return at::constant_pad_nd(points, {0, 3 - points.size(1)}).unsqueeze(0);
}

}  // namespace

void verify_ops(Fixture& fixture) {
  const torch::NoGradGuard no_grad;
  fixture.set_tolerance(kOpsTolerance);
  const int64_t num_frequencies = fixture.at("num_freqs");
  const auto points = fixture.input("points");
  fixture.compare("freq_embed_pi0", nn::embed_points(points, num_frequencies, false));
  fixture.compare("freq_embed_pi1", nn::embed_points(points, num_frequencies, true));
  // Sines of up to 1000, whose own rounding is 6e-5: another device's exp() gives other angles.
  fixture.set_tolerance(fixture.device().is_cpu() ? kOpsTolerance : kAngleTolerance);
  fixture.compare("timestep_embed",
                  nn::embed_timestep(fixture.input("timesteps"), fixture.at("t_dim")));
  fixture.set_tolerance(kOpsTolerance);
  compare_norms<nn::LayerNorm>(fixture, "layer_norm_eps");
  compare_norms<nn::RmsNorm>(fixture, "rms_norm_eps");
  fixture.compare("gelu_erf", at::gelu(fixture.input("gelu_x"), "none"));
  compare_head_splits(fixture);
  const auto table = fixture.input("pos_grid");
  const std::vector<std::pair<int64_t, int64_t>> targets = fixture.at("pos_targets");
  for (const auto& [rows, columns] : targets) {
    fixture.compare("pos_" + std::to_string(rows) + "x" + std::to_string(columns),
                    image_encoder::stretch_position_table(table, rows, columns));
  }
}

void verify_fps(Fixture& fixture) {
  const auto& cases = fixture.at("cases");
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto prefix = std::to_string(i) + "/";
    const auto points = fixture.input(prefix + "points");
    const auto ratio = static_cast<float>(cases[i].at("ratio").get<double>());
    std::vector<at::Tensor> indices;
    int64_t first = 0;
    for (const int64_t count : cases[i].at("deg")) {
      const auto wanted = static_cast<int64_t>(std::ceil(static_cast<float>(count) * ratio));
      indices.push_back(
          ops::farthest_point_sampling(in_space(points.narrow(0, first, count)), wanted)[0] +
          first);
      first += count;
    }
    fixture.compare(prefix + "indices", at::cat(indices));
  }
}

}  // namespace moca::parity
