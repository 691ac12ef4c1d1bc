#pragma once

#include <cstdint>
#include <vector>

#include "gltf_document.h"

namespace moca::mesh {

// The numbers of an accessor, row after row: sparse entries put in, normalised integers as what
// they stand for (glTF 2.0, sections 3.6.2 and 3.11).
struct AccessorRows {
  size_t count = 0;
  size_t width = 0;  // numbers of a row: 3 of a VEC3, 16 of a MAT4
  std::vector<double> numbers;

  const double* row(size_t index) const { return numbers.data() + index * width; }
};

// `what` names the accessor in errors ("POSITION"); its rows must have `width` numbers.
AccessorRows read_rows(const GltfDocument& gltf, int accessor, const char* what, size_t width);

// Indices are whole numbers: component types of floats are refused.
std::vector<uint32_t> read_indices(const GltfDocument& gltf, int accessor);

}  // namespace moca::mesh
