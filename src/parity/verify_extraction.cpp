#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "kinds.h"
#include "moca/core/error.h"
#include "moca/mesh/marching_cubes.h"

// PartCrafter's hierarchical_extract_geometry evaluates another lattice than ours (three of them,
// in fact). Its sampling rule is followed here, and here only, so that the field's values, the
// number of queries and, through our marching cubes, the surface can be compared.
namespace moca::parity {
namespace {

// The analytic field of the fixture at points [Q, 3], positive inside.
at::Tensor field_at(const Fixture& fixture, const at::Tensor& points) {
  const std::string name = fixture.at("field");
  const double sharpness = fixture.at("sharpness");
  if (name == "torus") {  // around the y axis
    const auto ring = points.select(1, 0).square() + points.select(1, 2).square();
    const auto across = ring.sqrt() - fixture.at("R").get<double>();
    const auto distance = (across.square() + points.select(1, 1).square()).sqrt();
    return (fixture.at("r").get<double>() - distance) * sharpness;
  }
  if (name == "sphere") {
    return (fixture.at("R").get<double>() - points.square().sum(1).sqrt()) * sharpness;
  }
  throw Error(fixture.description_file(), ": field '", name,
              "' is unknown; known are torus and sphere.");
}

// Samples of the coarse grid whose eight children are evaluated: inside, not saturated, dilated.
at::Tensor refined(const at::Tensor& values) {
  const int64_t R = values.size(0);
  auto unsaturated = (2.0 * at::sigmoid(values) - 1.0).abs() < 1.0;
  auto wanted = at::zeros_like(unsaturated);
  const auto inside = [R](const at::Tensor& grid) {
    return grid.narrow(0, 1, R - 2).narrow(1, 1, R - 2).narrow(2, 1, R - 2);
  };
  inside(wanted).copy_(inside(unsaturated));
  const int64_t kernel = R < 512 ? 5 : 3;
  return at::max_pool3d(wanted.to(at::kFloat).view({1, 1, R, R, R}), kernel, 1, kernel / 2)
      .view({R, R, R})
      .gt(0.5);
}

// All (i, j, k) of three times the axis, as rows.
at::Tensor triples_of(const at::Tensor& axis) { return at::cartesian_prod({axis, axis, axis}); }

// The samples [R, R, R] at twice the resolution, evaluated again where `refined` says so.
at::Tensor refine(const Fixture& fixture, const at::Tensor& coarse, double bounds,
                  std::vector<int64_t>* queries_per_step) {
  const auto parents = refined(coarse).nonzero() * 2;  // [count, 3]
  const auto samples = (parents.unsqueeze(1) + triples_of(at::arange(2))).flatten(0, 1);
  const auto half = static_cast<double>(coarse.size(0));
  const auto points = (samples.to(at::kFloat) - half) * (bounds / half);
  auto values = coarse.repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2);
  values.index_put_({samples.select(1, 0), samples.select(1, 1), samples.select(1, 2)},
                    field_at(fixture, points));
  queries_per_step->push_back(points.size(0));
  return values;
}

at::Tensor evaluate(const Fixture& fixture, std::vector<int64_t>* queries_per_step) {
  const int64_t dense = fixture.at("dense_octree_depth");
  const int64_t finest = fixture.at("hierarchical_octree_depth");
  const double bounds = fixture.at("bounds");
  const int64_t R = int64_t{1} << dense;
  const auto points = triples_of(at::linspace(-bounds, bounds, R));
  auto values = field_at(fixture, points).view({R, R, R});
  queries_per_step->push_back(points.size(0));
  for (int64_t depth = dense; depth < finest; ++depth) {
    values = refine(fixture, values, bounds, queries_per_step);
  }
  return values;
}

mesh::TriangleMesh surface_of(const at::Tensor& values, double bounds) {
  const auto dense = values.contiguous();
  const mesh::Lattice lattice{
      .resolution = static_cast<int>(values.size(0)),
      .low = mesh::Vec3::Constant(static_cast<float>(-bounds)),
      .step = static_cast<float>(2.0 * bounds / static_cast<double>(values.size(0)))};
  return mesh::marching_cubes(
      std::span(dense.const_data_ptr<float>(), static_cast<size_t>(dense.numel())), lattice);
}

// V or F triples, as the surface holds them.
template <class Triple>
at::Tensor rows_of(const std::vector<Triple>& triples, at::ScalarType type) {
  return at::from_blob(const_cast<Triple*>(triples.data()),
                       {static_cast<int64_t>(triples.size()), 3}, type);
}

// The largest distance from a point of `from` to the nearest of `to`.
double farthest(const at::Tensor& from, const at::Tensor& to) {
  double largest = 0;
  for (const auto& part : from.split(1024)) {
    const auto nearest = std::get<0>(
        at::cdist(part.to(at::kDouble), to.to(at::kDouble), 2.0, 2 /* no matrix products */)
            .min(1));
    largest = std::max(largest, nearest.max().item<double>());
  }
  return largest;
}

double signed_volume(const at::Tensor& vertices, const at::Tensor& faces) {
  const auto corner = [&](int64_t i) {
    return vertices.to(at::kDouble).index_select(0, faces.select(1, i).to(at::kLong));
  };
  return (corner(0) * at::cross(corner(1), corner(2), 1)).sum().item<double>() / 6.0;
}

void record_counted(Fixture& fixture, Comparison comparison, int64_t count, int64_t reference) {
  if (count != reference) {
    comparison.note = std::to_string(count) + " " + comparison.output + ", the reference has " +
                      std::to_string(reference);
  }
  fixture.record(std::move(comparison));
}

void compare_surface(Fixture& fixture, const mesh::TriangleMesh& surface) {
  const auto vertices = rows_of(surface.vertices, at::kFloat);
  const auto faces = rows_of(surface.faces, at::kInt);
  const auto reference = fixture.output("vertices");
  const auto reference_faces = fixture.output("faces");
  const double apart = std::max(farthest(vertices, reference), farthest(reference, vertices));
  record_counted(fixture, {.output = "vertices", .error = apart, .tolerance = 5e-5},
                 vertices.size(0), reference.size(0));
  // Quads may be cut along their other diagonal, so faces are compared by number and by what they
  // enclose; the reference's faces point inward.
  const double volume = std::abs(signed_volume(reference, reference_faces));
  const double difference = std::abs(signed_volume(vertices, faces) - volume) / volume;
  record_counted(fixture, {.output = "faces", .error = difference, .tolerance = 1e-3},
                 faces.size(0), reference_faces.size(0));
}

}  // namespace

void verify_extraction(Fixture& fixture) {
  std::vector<int64_t> queries_per_step;
  const auto values = evaluate(fixture, &queries_per_step);
  fixture.compare("grid_logits", values);
  fixture.compare("queries_per_step", at::tensor(queries_per_step));
  if (fixture.has_output("vertices") && fixture.has_output("faces")) {
    compare_surface(fixture, surface_of(values, fixture.at("bounds")));
  }
}

}  // namespace moca::parity
