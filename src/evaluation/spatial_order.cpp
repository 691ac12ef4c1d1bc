#include "spatial_order.h"

#include <algorithm>
#include <limits>

namespace moca::evaluation {
namespace {

using mesh::Vec3;

constexpr int kBitsPerAxis = 10;

// Puts two zero bits after each of the lowest ten bits.
uint32_t spread_bits(uint32_t bits) {
  bits = (bits | (bits << 16)) & 0x030000FFU;
  bits = (bits | (bits << 8)) & 0x0300F00FU;
  bits = (bits | (bits << 4)) & 0x030C30C3U;
  return (bits | (bits << 2)) & 0x09249249U;
}

}  // namespace

std::vector<uint32_t> spatial_order(const std::vector<Vec3>& points) {
  Vec3 low = points.front();
  Vec3 high = points.front();
  for (const Vec3& point : points) {
    low = low.cwiseMin(point);
    high = high.cwiseMax(point);
  }
  const Eigen::Vector3d origin = low.cast<double>();
  const double longest_side =
      std::max((high.cast<double>() - origin).maxCoeff(), std::numeric_limits<double>::min());
  constexpr double kLastCell = (1 << kBitsPerAxis) - 1;
  std::vector<uint64_t> keys(points.size());  // place on the curve, then index
  for (size_t i = 0; i < points.size(); ++i) {
    const Eigen::Vector3d cell = (points[i].cast<double>() - origin) / longest_side * kLastCell;
    const uint64_t place = spread_bits(static_cast<uint32_t>(cell.x())) |
                           spread_bits(static_cast<uint32_t>(cell.y())) << 1 |
                           spread_bits(static_cast<uint32_t>(cell.z())) << 2;
    keys[i] = place << 32 | i;
  }
  std::ranges::sort(keys);
  std::vector<uint32_t> order(points.size());
  std::ranges::transform(keys, order.begin(),
                         [](uint64_t key) { return static_cast<uint32_t>(key); });
  return order;
}

}  // namespace moca::evaluation
