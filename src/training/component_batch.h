#pragma once

#include <cstdint>
#include <vector>

#include "moca/data/prepared_dataset.h"

namespace moca::training {

struct ComponentIndex {
  int64_t asset;
  int64_t component;
};

// Points of several components, drawn anew from the stored ones.
struct ComponentBatch {
  at::Tensor surface_points;   // [n, P, 3]
  at::Tensor surface_normals;  // [n, P, 3]
  at::Tensor query_points;     // [n, Q, 3]
  at::Tensor query_distances;  // [n, Q]
};

// All components of these assets.
std::vector<ComponentIndex> components_of(const data::PreparedDataset& dataset,
                                          const std::vector<int64_t>& assets);

// Draws num_surface_points surface points and num_query_points query points (0: none) of each
// component.
ComponentBatch draw_components(const data::PreparedDataset& dataset,
                               const std::vector<ComponentIndex>& components,
                               int64_t num_surface_points, int64_t num_query_points, uint64_t seed);

}  // namespace moca::training
