#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// Writes the field's value (positive inside) at each point.
using Field = std::function<void(std::span<const Vec3> points, std::span<float> values)>;

// Signed distances to a closed surface, positive inside.
using DistanceFunction = std::function<std::vector<float>(std::span<const Vec3> points)>;

// What a VAE is trained to give: distances divided by `truncation` and clipped to [-1, 1]. Further
// than that beyond `box`, which holds the surface, it is -1 and `distance` is not asked.
Field clipped_field(const Box& box, DistanceFunction distance, float truncation);

struct ExtractionOptions {
  int resolution = 129;        // R samples per axis of the finest lattice
  int coarse_resolution = 33;  // samples per axis of the first, dense lattice; (R - 1) / (this - 1)
                               // is a power of two
  float half_size = 1.005F;    // the lattice spans [-half_size, half_size]^3; TripoSG uses 1.005
  // The most the field changes per unit of length. Where a value is so small that a surface can
  // lie between the samples, the lattice is refined even without a sign change. 0: only at those.
  float max_slope = 0.0F;
  int64_t chunk = 50000;  // queries per call of the field; TripoSG decodes 50,000 at a time
};

struct Extraction {
  TriangleMesh mesh;        // empty when the field never crosses 0
  int64_t num_queries = 0;  // points at which the field was evaluated
};

// Evaluates the field on a coarse lattice, refines only where the surface can be (a sign change in
// the 6-neighbourhood, or a value that `max_slope` allows to cross 0 before the next sample), then
// runs marching cubes on the finest blocks. All levels lie on one lattice, so a refined value never
// moves a vertex. What lies outside the lattice is empty: a surface cut by its border is closed
// there. A surface that the coarse lattice meets anywhere is followed to its end, so the mesh is
// closed. With `max_slope` at least the field's own, the mesh is that of the whole finest lattice;
// with less, a component that lies wholly between coarse samples is missed.
// Throws Error for options that do not fit together and for a field that is not a number.
Extraction mesh_from_field(const Field& field, const ExtractionOptions& options);

}  // namespace moca::mesh
