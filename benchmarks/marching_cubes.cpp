// Process-CPU time of marching cubes on one thread: the union of five spheres, 256^3 samples.
// Usage: moca_marching_cubes_benchmark [samples per axis] [repeats]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <vector>

#include "moca/mesh/marching_cubes.h"

namespace {

using moca::mesh::Vec3;

struct Sphere {
  Vec3 centre;
  float radius;
};

std::vector<float> sphere_union(const moca::mesh::Lattice& lattice) {
  const std::vector<Sphere> spheres = {{{0.0F, 0.0F, 0.0F}, 0.55F},
                                       {{0.45F, 0.3F, 0.1F}, 0.35F},
                                       {{-0.5F, 0.2F, -0.2F}, 0.3F},
                                       {{0.1F, -0.55F, 0.25F}, 0.33F},
                                       {{-0.15F, 0.35F, 0.55F}, 0.28F}};
  std::vector<float> field;
  const int size = lattice.resolution;
  field.reserve(static_cast<size_t>(size) * size * size);
  for (int x = 0; x < size; ++x) {
    for (int y = 0; y < size; ++y) {
      for (int z = 0; z < size; ++z) {
        float value = std::numeric_limits<float>::lowest();
        for (const Sphere& sphere : spheres) {
          value =
              std::max(value, sphere.radius - (lattice.position(x, y, z) - sphere.centre).norm());
        }
        field.push_back(value);
      }
    }
  }
  return field;
}

double process_cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  const int size = argc > 1 ? std::atoi(argv[1]) : 256;
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 10;
  if (size < 2 || repeats < 1) {
    std::fprintf(stderr, "usage: %s [samples per axis, 2 or more] [repeats, 1 or more]\n", argv[0]);
    return 2;
  }
  moca::mesh::Lattice lattice;
  lattice.resolution = size;
  lattice.step = 2.0F / static_cast<float>(size - 1);
  const std::vector<float> field = sphere_union(lattice);
  double best = std::numeric_limits<double>::max();
  moca::mesh::TriangleMesh mesh;
  for (int i = 0; i < repeats; ++i) {
    const double start = process_cpu_ms();
    mesh = moca::mesh::marching_cubes(field, lattice);
    best = std::min(best, process_cpu_ms() - start);
  }
  std::printf(
      "{\"benchmark\": \"marching_cubes\", \"resolution\": %d, \"vertices\": %zu, \"faces\": %zu, "
      "\"threads\": 1, \"repeats\": %d, \"min_cpu_ms\": %.2f}\n",
      size, mesh.vertices.size(), mesh.faces.size(), repeats, best);
}
