#include <ATen/ATen.h>

#include <Eigen/Geometry>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

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
  throw Error(fixture.description_file().string() + ": field '" + name +
              "' is unknown; known are torus and sphere.");
}

struct Grid {
  at::Tensor values;  // [R, R, R]
  std::vector<int64_t> queries_per_step;
};

at::Tensor dense_points(int64_t R, double bounds) {
  const auto axis = at::linspace(-bounds, bounds, R, at::TensorOptions().dtype(at::kFloat));
  const auto axes = at::meshgrid({axis, axis, axis}, "ij");
  return at::stack({axes[0].flatten(), axes[1].flatten(), axes[2].flatten()}, 1);
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

void refine(const Fixture& fixture, double bounds, Grid* grid) {
  const int64_t R = 2 * grid->values.size(0);
  const auto parents = refined(grid->values).nonzero() * 2;  // [count, 3]
  const auto offsets = at::stack(at::meshgrid({at::arange(2), at::arange(2), at::arange(2)}, "ij"))
                           .flatten(1)
                           .t();  // [8, 3]
  const auto samples = (parents.unsqueeze(1) + offsets.unsqueeze(0)).flatten(0, 1);
  const double half = static_cast<double>(R) / 2.0;
  const auto points = (samples.to(at::kFloat) - half) * (bounds / half);
  grid->values =
      grid->values.repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2);
  grid->values.index_put_({samples.select(1, 0), samples.select(1, 1), samples.select(1, 2)},
                          field_at(fixture, points));
  grid->queries_per_step.push_back(points.size(0));
}

Grid evaluate(const Fixture& fixture) {
  const int64_t dense = fixture.at("dense_octree_depth");
  const int64_t finest = fixture.at("hierarchical_octree_depth");
  const double bounds = fixture.at("bounds");
  const auto points = dense_points(int64_t{1} << dense, bounds);
  Grid grid;
  const int64_t R = int64_t{1} << dense;
  grid.values = field_at(fixture, points).view({R, R, R});
  grid.queries_per_step.push_back(points.size(0));
  for (int64_t depth = dense; depth < finest; ++depth) {
    refine(fixture, bounds, &grid);
  }
  return grid;
}

mesh::TriangleMesh surface_of(const at::Tensor& values, double bounds) {
  const auto dense = values.contiguous();
  mesh::Lattice lattice;
  lattice.resolution = static_cast<int>(values.size(0));
  lattice.low = mesh::Vec3::Constant(static_cast<float>(-bounds));
  lattice.step = static_cast<float>(2.0 * bounds / static_cast<double>(values.size(0)));
  return mesh::marching_cubes(
      std::span(dense.const_data_ptr<float>(), static_cast<size_t>(dense.numel())), lattice);
}

at::Tensor vertices_of(const mesh::TriangleMesh& surface) {
  auto vertices = at::empty({static_cast<int64_t>(surface.vertices.size()), 3});
  auto* target = vertices.data_ptr<float>();
  for (const auto& vertex : surface.vertices) {
    target = std::copy(vertex.data(), vertex.data() + 3, target);
  }
  return vertices;
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

void compare_surface(Fixture& fixture, const mesh::TriangleMesh& surface) {
  const auto reference = fixture.output("vertices");
  const auto reference_faces = fixture.output("faces");
  const auto ours = vertices_of(surface);
  Comparison vertices{"vertices", 0, 5e-5, false, ""};
  vertices.error = std::max(farthest(ours, reference), farthest(reference, ours));
  vertices.passed = ours.size(0) == reference.size(0) && vertices.error <= vertices.tolerance;
  if (ours.size(0) != reference.size(0)) {
    vertices.note = std::to_string(ours.size(0)) + " vertices, the reference has " +
                    std::to_string(reference.size(0));
  }
  fixture.record(vertices);
  // Quads may be cut along their other diagonal, so faces are compared by number and by what they
  // enclose; the reference's faces point inward.
  Comparison faces{"faces", 0, 1e-3, false, ""};
  const double volume = std::abs(signed_volume(reference, reference_faces));
  double enclosed = 0;
  for (const auto& face : surface.faces) {
    const auto& a = surface.vertices[face[0]];
    enclosed += a.cast<double>().dot(surface.vertices[face[1]].cast<double>().cross(
                    surface.vertices[face[2]].cast<double>())) /
                6.0;
  }
  faces.error = std::abs(enclosed - volume) / volume;
  faces.passed = static_cast<int64_t>(surface.faces.size()) == reference_faces.size(0) &&
                 faces.error <= faces.tolerance;
  if (static_cast<int64_t>(surface.faces.size()) != reference_faces.size(0)) {
    faces.note = std::to_string(surface.faces.size()) + " faces, the reference has " +
                 std::to_string(reference_faces.size(0));
  }
  fixture.record(faces);
}

}  // namespace

void verify_extraction(Fixture& fixture) {
  const auto grid = evaluate(fixture);
  fixture.compare("grid_logits", grid.values);
  fixture.compare("queries_per_step", at::tensor(grid.queries_per_step, at::kLong));
  if (fixture.has_output("vertices") && fixture.has_output("faces")) {
    compare_surface(fixture, surface_of(grid.values, fixture.at("bounds")));
  }
}

}  // namespace moca::parity
