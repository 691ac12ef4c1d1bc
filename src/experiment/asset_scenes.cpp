#include "moca/experiment/asset_scenes.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/core/logging.h"
#include "moca/core/program.h"
#include "moca/core/random.h"
#include "moca/data/asset_source.h"
#include "moca/mesh/field_extraction.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"
#include "moca/mesh/signed_distance.h"

namespace moca::experiment {
namespace {

// bytes: [S, S, 3].
Image image_of(const at::Tensor& bytes) {
  Image image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)), 3);
  std::memcpy(image.pixels.data(), bytes.contiguous().const_data_ptr<uint8_t>(),
              image.pixels.size());
  return image;
}

// ids: [S, S] of any integer type.
ComponentMap map_of(const at::Tensor& ids) {
  ComponentMap map(static_cast<int>(ids.size(1)), static_cast<int>(ids.size(0)), 1);
  const auto values = ids.to(at::kInt).contiguous();
  std::copy_n(values.const_data_ptr<int32_t>(), map.pixels.size(), map.pixels.begin());
  return map;
}

}  // namespace

std::vector<int64_t> views_of(const EvaluationConfig& config, const data::AssetRecord& record) {
  const auto count = std::ssize(record.views);
  if (count == 0) {
    throw Error("asset ", record.id,
                " of the dataset has no image to generate from. Prepare the dataset again: ",
                command("prepare-data CONFIG"), ".");
  }
  if (config.view == ViewRule::kFixed && config.view_index >= count) {
    throw Error("evaluation.view_index is ", config.view_index, ", but asset ", record.id,
                " has views 0 to ", count - 1, ". Choose one of them, or evaluation.view=random.");
  }
  if (config.view == ViewRule::kAll) {
    std::vector<int64_t> all(count);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  const auto drawn = static_cast<int64_t>(
      stream_seed(static_cast<uint64_t>(config.seed), "evaluation view of " + record.id) %
      static_cast<uint64_t>(count));
  return {config.view == ViewRule::kFixed ? config.view_index : drawn};
}

generation::Request request_of(const data::PreparedDataset& dataset, int64_t asset, int64_t view,
                               uint64_t seed, const generation::Conditioners& conditioners) {
  generation::Request request{image_of(dataset.image(asset, view)),
                              dataset.records()[asset].num_components(), seed,
                              map_of(dataset.component_map(asset, view))};
  for (const auto& conditioner : conditioners) {
    request.inputs[conditioner->name()] = conditioner->input(dataset, asset, view);
  }
  return request;
}

uint64_t generation_seed(const EvaluationConfig& config, const data::AssetRecord& record) {
  return stream_seed(static_cast<uint64_t>(config.seed), "generate " + record.id);
}

at::Tensor latents_of(vae::VecsetVae& vae, const data::PreparedDataset& dataset, int64_t asset,
                      int64_t seed) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> points, normals;
  for (int64_t component = 0; component < dataset.records()[asset].num_components(); ++component) {
    const auto surface = dataset.surface(asset, component);
    const int64_t num_points = std::min(vae->config().num_surface_points, surface.points.size(0));
    points.push_back(surface.points.narrow(0, 0, num_points));
    normals.push_back(surface.normals.narrow(0, 0, num_points));
  }
  auto generator = generator_for(seed, "reconstruct " + dataset.records()[asset].id);
  const auto device = vae->parameters().front().device();
  const auto posterior =
      vae->encode(at::stack(points).to(device), at::stack(normals).to(device), generator);
  const auto noise = at::randn(posterior.mean.sizes(), generator, at::TensorOptions());
  return posterior.sample(noise.to(device));
}

mesh::Scene reconstruct(vae::VecsetVae& vae, const data::PreparedDataset& dataset, int64_t asset,
                        int64_t seed, const vae::DecoderConfig& decoder, bool use_bf16) {
  const torch::NoGradGuard no_grad;
  const auto latents = latents_of(vae, dataset, asset, seed);
  mesh::Scene scene;
  for (auto& surface : vae::decode_components(vae, latents, decoder, use_bf16)) {
    scene.components.push_back({"", std::move(surface), mesh::Vec3::Zero()});
  }
  return scene;
}

mesh::Scene exact_field_scene(const mesh::Scene& reference, const data::DataConfig& data,
                              double truncation, const vae::DecoderConfig& decoder) {
  const auto resolution = static_cast<int>(data::watertight_resolution(data));
  mesh::Scene scene;
  for (const auto& component : reference.components) {
    const auto closed = mesh::closed_surface(component.mesh, resolution);
    const auto field = mesh::clipped_field(
        mesh::bounds(closed),
        [&](std::span<const mesh::Vec3> points) { return mesh::signed_distance(closed, points); },
        static_cast<float>(truncation));
    scene.components.push_back(
        {component.name, mesh::mesh_from_field(field, decoder.options()).mesh, component.color});
  }
  return scene;
}

void write_asset(const std::filesystem::path& folder, const mesh::Scene& scene) {
  std::filesystem::create_directories(folder);
  mesh::write_glb(folder / "asset.glb", scene);
  for (const auto& component : scene.components) {
    if (component.mesh.empty()) {
      log::warn(folder.string() + ": " + component.name + " has no surface and is not written");
      continue;
    }
    for (const char* extension : {".glb", ".ply", ".obj"}) {
      mesh::write_mesh(folder / (component.name + extension), component.mesh);
    }
  }
}

}  // namespace moca::experiment
