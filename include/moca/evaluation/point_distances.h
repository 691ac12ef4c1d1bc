#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "moca/config/rules.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// How the two directions of the Chamfer distance are put together: the sum or the mean of the two
// mean distances, or the sum of the two mean squared distances.
enum class ChamferForm { kSumL2, kMeanL2, kSumSquared };

constexpr config::EnumNames<ChamferForm, 3> enum_names(ChamferForm) {
  return {{{"sum_l2", ChamferForm::kSumL2},
           {"mean_l2", ChamferForm::kMeanL2},
           {"sum_squared", ChamferForm::kSumSquared}}};
}

// Finds nearest neighbours in one set of points.
class NearestPoints {
 public:
  // Throws Error when the set is empty or a coordinate is not finite.
  explicit NearestPoints(const std::vector<mesh::Vec3>& points);
  ~NearestPoints();
  NearestPoints(NearestPoints&&) noexcept;
  NearestPoints& operator=(NearestPoints&&) noexcept;

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
