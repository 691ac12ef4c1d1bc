#pragma once

#include <cstdint>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// How much the components of a scene overlap, over unordered pairs of them; 0 for one component.
struct SelfIou {
  double mean = 0;
  double max = 0;
  std::vector<double> pairs;          // (0,1), (0,2), ..., row-major
  std::vector<int64_t> voxel_counts;  // per component
};

// `resolution` voxels along [-1, 1]; a component without faces has none. Of a scene longer than 4
// the voxels are as many times larger.
SelfIou self_iou(const mesh::Scene& scene, int64_t resolution);

}  // namespace moca::evaluation
