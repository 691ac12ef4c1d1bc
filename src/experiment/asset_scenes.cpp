#include "moca/experiment/asset_scenes.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "moca/core/generator.h"

namespace moca::experiment {
namespace {

// bytes: [S, S, 3] or [S, S].
Image image_of(const at::Tensor& bytes) {
  Image image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)),
              bytes.dim() == 3 ? 3 : 1);
  std::memcpy(image.pixels.data(), bytes.contiguous().const_data_ptr<uint8_t>(),
              image.pixels.size());
  return image;
}

}  // namespace

generation::Request request_of(const data::PreparedDataset& dataset, int64_t asset, uint64_t seed) {
  return {image_of(dataset.image(asset, 0)), dataset.records()[asset].num_components(), seed,
          image_of(dataset.component_map(asset, 0))};
}

mesh::Scene reconstruct(vae::VecsetVae& vae, const data::PreparedDataset& dataset, int64_t asset,
                        const RunConfig& config, c10::Device device) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> points, normals;
  for (int64_t component = 0; component < dataset.records()[asset].num_components(); ++component) {
    const auto surface = dataset.surface(asset, component);
    const int64_t num_points =
        std::min(config.vae_training.num_surface_points, surface.points.size(0));
    points.push_back(surface.points.narrow(0, 0, num_points));
    normals.push_back(surface.normals.narrow(0, 0, num_points));
  }
  auto generator = generator_for(config.evaluation.seed, "reconstruct", asset);
  const auto posterior =
      vae->encode(at::stack(points).to(device), at::stack(normals).to(device), generator);
  const auto noise = at::randn(posterior.mean.sizes(), generator, at::TensorOptions());
  const auto latents = posterior.sample(noise.to(device));
  mesh::Scene scene;
  for (auto& surface : vae::decode_components(vae, latents, config.decoder)) {
    scene.components.push_back({"", std::move(surface), mesh::Vec3::Zero()});
  }
  return scene;
}

}  // namespace moca::experiment
