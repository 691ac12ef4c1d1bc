#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace moca::mesh {

using Sample = std::array<int32_t, 3>;  // indices of a sample of a lattice

// Values at some samples of a lattice with `resolution` per axis, kept in bricks of 8^3. Samples
// beyond the lattice count as known and empty.
class SparseSamples {
 public:
  explicit SparseSamples(int resolution);

  int resolution() const { return resolution_; }

  // The value at a sample, null where it is not known.
  const float* find(const Sample& sample) const {
    if (!is_inside(sample)) {
      return &kEmpty;
    }
    const int64_t offset = offset_of_brick_[brick_number(sample)];
    if (offset < 0) {
      return nullptr;
    }
    const int64_t index = offset + position_in_brick(sample);
    return states_[index] == State::kKnown ? &values_[index] : nullptr;
  }

  // Notes that the sample is wanted, unless it is known, wanted already, or beyond the lattice.
  void want(const Sample& sample);

  // Wants all samples from `low` to `high`, both included.
  void want_box(const Sample& low, const Sample& high);

  // The samples wanted since the last call, in the order of the wishes. Each must be set.
  std::vector<Sample> take_wanted() { return std::exchange(wanted_, {}); }

  void set(const Sample& sample, float value);

 private:
  enum class State : uint8_t { kUnknown, kWanted, kKnown };

  static constexpr unsigned kBrickSide = 8;
  static constexpr unsigned kBrickSamples = kBrickSide * kBrickSide * kBrickSide;
  // Outside the lattice there is nothing. So low a value puts a vertex next to the border's sample.
  static constexpr float kEmpty = std::numeric_limits<float>::lowest();

  bool is_inside(const Sample& sample) const {
    return std::ranges::all_of(sample, [&](int i) { return i >= 0 && i < resolution_; });
  }

  size_t brick_number(const Sample& sample) const {
    const size_t x = static_cast<uint32_t>(sample[0]) / kBrickSide;
    const size_t y = static_cast<uint32_t>(sample[1]) / kBrickSide;
    const size_t z = static_cast<uint32_t>(sample[2]) / kBrickSide;
    return (x * bricks_per_axis_ + y) * bricks_per_axis_ + z;
  }

  static uint32_t position_in_brick(const Sample& sample) {
    const uint32_t x = static_cast<uint32_t>(sample[0]) % kBrickSide;
    const uint32_t y = static_cast<uint32_t>(sample[1]) % kBrickSide;
    const uint32_t z = static_cast<uint32_t>(sample[2]) % kBrickSide;
    return (x * kBrickSide + y) * kBrickSide + z;
  }

  int resolution_;
  size_t bricks_per_axis_;
  std::vector<int64_t> offset_of_brick_;  // into values_, -1 where the brick has no sample yet
  std::vector<float> values_;
  std::vector<State> states_;
  std::vector<Sample> wanted_;
};

}  // namespace moca::mesh
