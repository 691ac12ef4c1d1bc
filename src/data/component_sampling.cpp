#include "component_sampling.h"

#include <ATen/ATen.h>

#include <cstring>

#include "moca/core/generator.h"
#include "moca/mesh/scene_ops.h"
#include "moca/mesh/surface_sampling.h"
#include "views.h"

namespace moca::data {
namespace {

// Half of the query points lie near the surface, with these standard deviations; a quarter in the
// component's own box with a margin; a quarter anywhere. Small pieces would be lost in a uniform
// draw.
constexpr double kNearStds[2] = {0.015, 0.06};
constexpr float kBoxMargin = 0.2F;
constexpr double kSpace = 1.05;  // the uniform quarter lies in [-1.05, 1.05]^3 (Dora)

at::Tensor tensor_of(const std::vector<mesh::Vec3>& points) {
  const auto count = std::ssize(points);
  auto tensor = at::empty({count, 3}, at::kFloat);
  std::memcpy(tensor.data_ptr<float>(), static_cast<const void*>(points.data()), tensor.nbytes());
  return tensor;
}

// count points [count, 3], see the constants above.
at::Tensor draw_query_points(const mesh::TriangleMesh& surface, int64_t count, uint64_t seed) {
  auto generator = generator_for(seed, "query points");
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const int64_t num_near = count / 2;
  const int64_t num_box = count / 4;
  const int64_t num_space = count - num_near - num_box;
  const auto on_surface = tensor_of(mesh::sample_surface(surface, num_near, seed).positions);
  const auto std = at::where(at::arange(num_near).remainder(2) == 0, kNearStds[0], kNearStds[1]);
  const auto near =
      on_surface + at::randn({num_near, 3}, generator, options) * std.to(at::kFloat).unsqueeze(1);
  const auto box = mesh::bounds(surface);
  const mesh::Vec3 margin = mesh::Vec3::Constant(kBoxMargin);
  const auto low = tensor_of({mesh::Vec3(box.low - margin)});
  const auto high = tensor_of({mesh::Vec3(box.high + margin)});
  const auto in_box = low + (high - low) * at::rand({num_box, 3}, generator, options);
  const auto anywhere = (at::rand({num_space, 3}, generator, options) * 2.0 - 1.0) * kSpace;
  return at::cat({near, in_box, anywhere}).clamp(-kSpace, kSpace);
}

at::Tensor distances_at(const mesh::DistanceFunction& distance, const at::Tensor& points) {
  const auto dense = points.contiguous();
  std::vector<mesh::Vec3> list(points.size(0));
  std::memcpy(static_cast<void*>(list.data()), dense.const_data_ptr<float>(), dense.nbytes());
  return at::tensor(distance(list), at::kFloat);
}

void add_meshes(const mesh::Scene& scene, AssetTensors& tensors) {
  std::vector<at::Tensor> vertices, faces, colors;
  std::vector<int64_t> sizes;
  for (const auto& component : scene.components) {
    vertices.push_back(tensor_of(component.mesh.vertices));
    auto indices = at::empty({std::ssize(component.mesh.faces), 3}, at::kInt);
    std::memcpy(indices.data_ptr<int32_t>(), component.mesh.faces.data(), indices.nbytes());
    faces.push_back(indices);
    colors.push_back(tensor_of({component.color}));
    sizes.push_back(std::ssize(component.mesh.vertices));
    sizes.push_back(std::ssize(component.mesh.faces));
  }
  tensors.vertices = at::cat(vertices);
  tensors.faces = at::cat(faces);
  tensors.colors = at::cat(colors);
  tensors.mesh_sizes = at::tensor(sizes, at::kLong).view({-1, 2});
}

}  // namespace

AssetTensors sample_asset(const AssetEntry& entry, const SourceAsset& asset,
                          const DataConfig& config) {
  const auto seed = stream_seed(config.seed, "asset", stream_of(entry));
  AssetTensors tensors;
  std::vector<at::Tensor> points, normals, queries, distances;
  for (size_t i = 0; i < asset.closed.size(); ++i) {
    const auto component_seed = stream_seed(seed, "component", i);
    const auto surface =
        mesh::sample_surface(asset.closed[i], config.num_surface_points, component_seed);
    points.push_back(tensor_of(surface.positions));
    normals.push_back(tensor_of(surface.normals));
    queries.push_back(draw_query_points(asset.closed[i], config.num_query_points, component_seed));
    distances.push_back(distances_at(asset.distances[i], queries.back()));
  }
  tensors.surface_points = at::stack(points);
  tensors.surface_normals = at::stack(normals);
  tensors.query_points = at::stack(queries);
  tensors.query_distances = at::stack(distances);
  add_meshes(asset.scene, tensors);
  add_views(entry.id, asset, config.views, tensors);
  return tensors;
}

}  // namespace moca::data
