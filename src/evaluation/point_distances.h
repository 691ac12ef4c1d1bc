#pragma once

#include <memory>
#include <vector>

#include "moca/evaluation/metric_config.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// Finds nearest neighbours in one set of points.
class NearestPoints {
 public:
  // Throws Error when the set is empty or a coordinate is not finite.
  explicit NearestPoints(const std::vector<mesh::Vec3>& points);
  ~NearestPoints();

  // Distance (L2) of every query to the nearest point; the same for any number of threads.
  std::vector<double> distances(const std::vector<mesh::Vec3>& queries) const;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

// The Chamfer distance of the nearest-neighbour distances in both directions, neither empty.
double chamfer_distance(const std::vector<double>& prediction_to_reference,
                        const std::vector<double>& reference_to_prediction, ChamferForm form);

}  // namespace moca::evaluation
