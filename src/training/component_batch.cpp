#include "component_batch.h"

#include <ATen/ATen.h>

#include "moca/core/generator.h"

namespace moca::training {

std::vector<ComponentIndex> components_of(const data::PreparedDataset& dataset,
                                          const std::vector<int64_t>& assets) {
  std::vector<ComponentIndex> components;
  for (const int64_t asset : assets) {
    for (int64_t i = 0; i < dataset.records()[asset].num_components(); ++i) {
      components.push_back({asset, i});
    }
  }
  return components;
}

ComponentBatch draw_components(const data::PreparedDataset& dataset,
                               const std::vector<ComponentIndex>& components,
                               int64_t num_surface_points, int64_t num_query_points,
                               uint64_t seed) {
  auto generator = generator_for(seed, "points of components");
  // With replacement: the stored points are random themselves, and this costs nothing.
  const auto draw = [&](int64_t stored, int64_t count) {
    return at::randint(stored, {count}, generator, at::TensorOptions().dtype(at::kLong));
  };
  std::vector<at::Tensor> points, normals, queries, distances;
  for (const auto& [asset, component] : components) {
    const auto surface = dataset.surface(asset, component);
    const auto drawn = draw(surface.points.size(0), num_surface_points);
    points.push_back(surface.points.index_select(0, drawn));
    normals.push_back(surface.normals.index_select(0, drawn));
    if (num_query_points > 0) {
      const auto query = dataset.queries(asset, component);
      const auto chosen = draw(query.points.size(0), num_query_points);
      queries.push_back(query.points.index_select(0, chosen));
      distances.push_back(query.distances.index_select(0, chosen));
    }
  }
  ComponentBatch batch{at::stack(points), at::stack(normals), at::Tensor(), at::Tensor()};
  if (num_query_points > 0) {
    batch.query_points = at::stack(queries);
    batch.query_distances = at::stack(distances);
  }
  return batch;
}

}  // namespace moca::training
