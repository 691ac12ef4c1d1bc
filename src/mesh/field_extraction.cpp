#include "moca/mesh/field_extraction.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <utility>

#include "grid.h"
#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "sparse_samples.h"

namespace moca::mesh {
namespace {

void check(const ExtractionOptions& options) {
  const auto require = [](bool holds, const std::string& rule, const auto& value) {
    if (!holds) {
      throw Error("extraction: ", rule, ", got ", value, ".");
    }
  };
  const int coarse_cells = options.coarse_resolution - 1;
  const int cells = options.resolution - 1;
  require(coarse_cells >= 1, "coarse_resolution must be at least 2", options.coarse_resolution);
  if (cells < coarse_cells || cells % coarse_cells != 0 ||
      !std::has_single_bit(static_cast<unsigned>(cells / coarse_cells))) {
    throw Error(
        "extraction: resolution - 1 must be a power of two times coarse_resolution - 1, got "
        "resolution ",
        options.resolution, " and coarse_resolution ", options.coarse_resolution,
        "; 129 and 33 fit.");
  }
  require(options.half_size > 0 && std::isfinite(options.half_size), "half_size must be positive",
          options.half_size);
  require(options.max_slope >= 0 && std::isfinite(options.max_slope),
          "max_slope must be at least 0", options.max_slope);
  require(options.chunk >= 1, "chunk must be at least 1", options.chunk);
}

Sample shifted(const Sample& sample, int by) {
  return {sample[0] + by, sample[1] + by, sample[2] + by};
}

Sample halved(const Sample& sample) { return {sample[0] / 2, sample[1] / 2, sample[2] / 2}; }

// One lattice at spacings that halve from level to level: sample i of a level is sample 2 i of the
// next. The first level is known everywhere, the others near the surface.
class Pyramid {
 public:
  Pyramid(const Field& field, const ExtractionOptions& options)
      : field_(field),
        options_(options),
        lattice_{options.resolution, Vec3::Constant(-options.half_size),
                 2 * options.half_size / static_cast<float>(options.resolution - 1)} {
    for (int cells = options.coarse_resolution - 1; cells < options.resolution; cells *= 2) {
      levels_.emplace_back(cells + 1);
    }
  }

  // Evaluates every level; returns the samples of the finest at which the sign changes.
  std::vector<Sample> fill() {
    const int last = options_.coarse_resolution - 1;
    levels_.front().want_box({0, 0, 0}, {last, last, last});
    for (size_t level = 0;; ++level) {
      std::vector<Sample> evaluated = complete(level);
      if (level + 1 == levels_.size()) {
        std::erase_if(evaluated, [&](const Sample& s) { return !at_sign_change(level, s); });
        return evaluated;
      }
      for (const Sample& sample : evaluated) {
        const Sample same_place = {2 * sample[0], 2 * sample[1], 2 * sample[2]};
        if (at_sign_change(level, sample)) {
          levels_[level + 1].want_box(shifted(same_place, -2), shifted(same_place, 2));
        } else if (std::abs(value(level, sample)) < largest_unsure_value(level)) {
          levels_[level + 1].want_box(shifted(same_place, -1), shifted(same_place, 1));
        }
      }
    }
  }

  // The value at a sample of the finest level, or one of the same sign.
  float finest_value(const Sample& sample) const { return value(levels_.size() - 1, sample); }

  const Lattice& lattice() const { return lattice_; }
  int64_t num_queries() const { return num_queries_; }

 private:
  // A value below this may lie beside a surface that only finer samples see. From a sample of the
  // finest level to the nearest one of the level before it is at most sqrt(3) / 2 of that level's
  // step, from there to the level before that sqrt(3) / 2 of its step, and so on: together
  // sqrt(3) (step of `level` - finest step).
  float largest_unsure_value(size_t level) const {
    const auto finest_steps = static_cast<float>(stride_of(level) - 1);
    return options_.max_slope * std::sqrt(3.0F) * finest_steps * lattice_.step * kRounding;
  }

  // How many steps of the finest level make one of this level.
  int stride_of(size_t level) const {
    return (options_.resolution - 1) / (levels_[level].resolution() - 1);
  }

  // Where a level is not known the next coarser one has no sign change nearby, so its sample in the
  // same cell tells the sign.
  float value(size_t level, Sample sample) const {
    for (;; --level, sample = halved(sample)) {
      if (const float* found = levels_[level].find(sample)) {
        return *found;
      }
    }
  }

  // True when a neighbour along an axis lies on the other side of the surface.
  bool at_sign_change(size_t level, const Sample& sample) const {
    const bool inside = value(level, sample) > 0;
    for (int axis = 0; axis < 3; ++axis) {
      for (const int step : {-1, 1}) {
        Sample neighbour = sample;
        neighbour[axis] += step;
        if ((value(level, neighbour) > 0) != inside) {
          return true;
        }
      }
    }
    return false;
  }

  // Evaluates the wanted samples of a level, then follows the surface: all samples round a sign
  // change, hence all cells at it, are evaluated too, until none is missing. Returns every sample
  // evaluated.
  std::vector<Sample> complete(size_t level) {
    SparseSamples& samples = levels_[level];
    std::vector<Sample> all;
    for (;;) {
      const std::vector<Sample> fresh = samples.take_wanted();
      if (fresh.empty()) {
        return all;
      }
      evaluate(level, fresh);
      all.insert(all.end(), fresh.begin(), fresh.end());
      for (const Sample& sample : fresh) {
        if (at_sign_change(level, sample)) {
          samples.want_box(shifted(sample, -1), shifted(sample, 1));
        }
      }
    }
  }

  // Takes over what the coarser level knows and asks the field for the rest.
  void evaluate(size_t level, const std::vector<Sample>& samples) {
    std::vector<Sample> unknown;
    for (const Sample& sample : samples) {
      const bool is_shared = level > 0 && (sample[0] | sample[1] | sample[2]) % 2 == 0;
      const float* known = is_shared ? levels_[level - 1].find(halved(sample)) : nullptr;
      if (known != nullptr) {
        levels_[level].set(sample, *known);
      } else {
        unknown.push_back(sample);
      }
    }
    const auto chunk = static_cast<size_t>(options_.chunk);
    for (size_t start = 0; start < unknown.size(); start += chunk) {
      query(level, {&unknown[start], std::min(chunk, unknown.size() - start)});
    }
  }

  void query(size_t level, std::span<const Sample> samples) {
    const int stride = stride_of(level);
    const auto points = mapped(samples, [&](const Sample& sample) {
      return lattice_.position(sample[0] * stride, sample[1] * stride, sample[2] * stride);
    });
    std::vector<float> values(samples.size());
    field_(points, values);
    for (size_t i = 0; i < samples.size(); ++i) {
      if (std::isnan(values[i])) {
        throw Error("extraction: the field is not a number at (", points[i].x(), ", ",
                    points[i].y(), ", ", points[i].z(),
                    "); the latents or the decoder's weights hold nan, train or load them again.");
      }
      levels_[level].set(samples[i], values[i]);
    }
    num_queries_ += static_cast<int64_t>(samples.size());
  }

  static constexpr float kRounding = 1.0001F;  // a field at its largest slope is computed in float

  const Field& field_;
  ExtractionOptions options_;
  Lattice lattice_;
  std::vector<SparseSamples> levels_;
  int64_t num_queries_ = 0;
};

// The origins of all blocks with a cell that the surface crosses, sorted.
std::vector<Sample> block_origins(const std::vector<Sample>& at_sign_change) {
  // Rounds down for indices from -1.
  const auto origin = [](int i) {
    return (i + kBlockCells) / kBlockCells * kBlockCells - kBlockCells;
  };
  std::vector<Sample> origins;
  for (const Sample& sample : at_sign_change) {
    visit_box(shifted(sample, -1), sample, [&](int x, int y, int z) {
      origins.push_back({origin(x), origin(y), origin(z)});
    });
  }
  std::ranges::sort(origins);
  origins.erase(std::unique(origins.begin(), origins.end()), origins.end());
  return origins;
}

}  // namespace

Field clipped_field(const Box& box, DistanceFunction distance, float truncation) {
  return [box, distance = std::move(distance), truncation](std::span<const Vec3> points,
                                                           std::span<float> values) {
    std::vector<Vec3> near;
    std::vector<size_t> places;
    std::ranges::fill(values, -1.0F);
    for (size_t i = 0; i < points.size(); ++i) {
      const Vec3 beyond = (box.low - points[i]).cwiseMax(points[i] - box.high);
      if (beyond.maxCoeff() < truncation) {
        near.push_back(points[i]);
        places.push_back(i);
      }
    }
    const auto distances = distance(near);
    for (size_t i = 0; i < near.size(); ++i) {
      values[places[i]] = std::clamp(distances[i] / truncation, -1.0F, 1.0F);
    }
  };
}

Extraction mesh_from_field(const Field& field, const ExtractionOptions& options) {
  check(options);
  Pyramid pyramid(field, options);
  const auto blocks = mapped(block_origins(pyramid.fill()), [&](const Sample& origin) {
    return block_at(origin, [&](int x, int y, int z) { return pyramid.finest_value({x, y, z}); });
  });
  return {marching_cubes(blocks, pyramid.lattice()), pyramid.num_queries()};
}

}  // namespace moca::mesh
