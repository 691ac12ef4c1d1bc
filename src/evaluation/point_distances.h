#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "moca/evaluation/metric_config.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// Finds nearest neighbours in one set of points.
class NearestPoints {
 public:
  // On a GPU by comparing every pair, on a CPU by a tree. Throws Error when the set is empty or a
  // coordinate is not finite.
  explicit NearestPoints(const std::vector<mesh::Vec3>& points, c10::Device device = c10::kCPU);
  ~NearestPoints();

  // Distance (L2) of every query to the nearest point; the same for any number of threads, and on a
  // GPU to the rounding of a float.
  std::vector<double> distances(const std::vector<mesh::Vec3>& queries) const;

 private:
  struct Tree;

  std::vector<mesh::Vec3> points_;
  std::unique_ptr<Tree> tree_;  // of points_, on a CPU
  at::Tensor on_gpu_;           // [Q, 3] points_, on a GPU
};

// The Chamfer distance of the nearest-neighbour distances in both directions, neither empty.
double chamfer_distance(const std::vector<double>& prediction_to_reference,
                        const std::vector<double>& reference_to_prediction, ChamferForm form);

}  // namespace moca::evaluation
