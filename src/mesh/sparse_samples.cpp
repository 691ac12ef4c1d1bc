#include "sparse_samples.h"

#include "grid.h"

namespace moca::mesh {

SparseSamples::SparseSamples(int resolution)
    : resolution_(resolution),
      bricks_per_axis_((static_cast<size_t>(resolution) + kBrickSide - 1) / kBrickSide),
      offset_of_brick_(bricks_per_axis_ * bricks_per_axis_ * bricks_per_axis_, -1) {}

void SparseSamples::want(const Sample& sample) {
  if (!is_inside(sample)) {
    return;
  }
  int64_t& offset = offset_of_brick_[brick_number(sample)];
  if (offset < 0) {
    offset = static_cast<int64_t>(values_.size());
    values_.resize(values_.size() + kBrickSamples);
    states_.resize(states_.size() + kBrickSamples, State::kUnknown);
  }
  State& state = states_[offset + position_in_brick(sample)];
  if (state == State::kUnknown) {
    state = State::kWanted;
    wanted_.push_back(sample);
  }
}

void SparseSamples::want_box(const Sample& low, const Sample& high) {
  visit_box(low, high, [&](int x, int y, int z) { want({x, y, z}); });
}

void SparseSamples::set(const Sample& sample, float value) {
  const int64_t index = offset_of_brick_[brick_number(sample)] + position_in_brick(sample);
  values_[index] = value;
  states_[index] = State::kKnown;
}

}  // namespace moca::mesh
