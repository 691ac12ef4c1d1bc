// What refining by the field's slope costs where the field is a trained VAE's: process-CPU time of
// decoding the first components of a run's dataset, at sign changes only and with max_slope in
// turn. Usage: moca_decode_cost_benchmark RUN [resolution] [assets] [repeats], from where the run
// was made
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <vector>

#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/models.h"
#include "moca/vae/component_decoder.h"

namespace {

namespace experiment = moca::experiment;

double process_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s RUN [resolution] [assets] [repeats]\n", argv[0]);
    return 2;
  }
  at::set_num_threads(1);
  auto config = experiment::load_run(argv[1]);
  config.decoder.resolution = argc > 2 ? std::atoi(argv[2]) : 129;
  const int64_t num_assets = argc > 3 ? std::atoi(argv[3]) : 8;
  const int repeats = argc > 4 ? std::atoi(argv[4]) : 3;
  const moca::data::PreparedDataset dataset(config.data.path);
  auto vae = experiment::vae_of(config, at::kCPU);
  const double slopes[2] = {0.0, config.decoder.max_slope};
  double best[2] = {std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  int64_t num_empty[2] = {0, 0};
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> latents;
  for (int64_t asset = 0; asset < num_assets; ++asset) {
    latents.push_back(experiment::latents_of(vae, dataset, asset, config.evaluation.seed));
  }
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (int side = 0; side < 2; ++side) {
      config.decoder.max_slope = slopes[side];
      num_empty[side] = 0;
      const double start = process_cpu_seconds();
      for (const auto& of_asset : latents) {
        const auto meshes = moca::vae::decode_components(vae, of_asset, config.decoder);
        num_empty[side] += std::count_if(meshes.begin(), meshes.end(),
                                         [](const auto& mesh) { return mesh.empty(); });
      }
      best[side] = std::min(best[side], process_cpu_seconds() - start);
    }
  }
  std::printf(
      "{\"resolution\": %lld, \"coarse_resolution\": %lld, \"assets\": %lld, \"max_slope\": %g, "
      "\"seconds_sign_changes_only\": %.2f, \"seconds_slope\": %.2f, \"ratio\": %.3f, "
      "\"empty_sign_changes_only\": %lld, \"empty_slope\": %lld}\n",
      static_cast<long long>(config.decoder.resolution),
      static_cast<long long>(config.decoder.coarse_resolution), static_cast<long long>(num_assets),
      slopes[1], best[0], best[1], best[1] / best[0], static_cast<long long>(num_empty[0]),
      static_cast<long long>(num_empty[1]));
}
