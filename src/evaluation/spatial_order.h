#pragma once

#include <cstdint>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// The indices of the points along a Z-order curve, so that neighbours in the list are mostly
// neighbours in space. `points` must be finite and not empty.
std::vector<uint32_t> spatial_order(const std::vector<mesh::Vec3>& points);

}  // namespace moca::evaluation
