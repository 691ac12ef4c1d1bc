// Nearest neighbours of the metrics' 204,800 points on a GPU, beside the CPU's tree on one thread
// and on all: seconds of one direction, least of some repeats, and the largest difference of a
// distance. Usage: moca_nearest_points_benchmark [points] [repeats] [cpu]     cpu: the tree alone
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "moca/core/random.h"
#include "moca/ops/device.h"
#include "src/evaluation/point_distances.h"

namespace {

using moca::evaluation::NearestPoints;
using moca::mesh::Vec3;

// On a sphere of radius about 1, as rough as `noise`.
std::vector<Vec3> points_on_a_sphere(int64_t count, uint64_t seed, float noise) {
  std::mt19937_64 random(moca::stream_seed(seed, "points"));
  std::normal_distribution<float> normal;
  std::vector<Vec3> points(count);
  for (auto& point : points) {
    point = Vec3(normal(random), normal(random), normal(random)).normalized() *
            (1 + noise * normal(random));
  }
  return points;
}

struct Timed {
  double seconds = std::numeric_limits<double>::infinity();
  std::vector<double> distances;
};

Timed time_search(const std::vector<Vec3>& queries, const std::vector<Vec3>& points,
                  c10::Device device, int repeats) {
  Timed timed;
  for (int repeat = 0; repeat <= repeats; ++repeat) {  // the first one warms up
    const auto start = std::chrono::steady_clock::now();
    timed.distances = NearestPoints(points, device).distances(queries);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    timed.seconds = repeat == 0 ? timed.seconds : std::min(timed.seconds, taken.count());
  }
  return timed;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t count = argc > 1 ? std::atoll(argv[1]) : 204800;
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 5;
  const bool cpu_alone = argc > 3 && argv[3] == std::string("cpu");
  const auto queries = points_on_a_sphere(count, 1, 0.02F);
  const auto points = points_on_a_sphere(count, 2, 0.0F);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto one = time_search(queries, points, c10::kCPU, repeats);
  omp_set_num_threads(threads);
  const auto all = time_search(queries, points, c10::kCPU, repeats);
  std::printf(
      "{\"points\": %lld, \"tree_one_thread_seconds\": %.4f, \"threads\": %d, "
      "\"tree_seconds\": %.4f",
      static_cast<long long>(count), one.seconds, threads, all.seconds);
  if (!cpu_alone) {
    const auto device = moca::ops::select_device("cuda").device;
    const auto pairs = time_search(queries, points, device, repeats);
    double difference = 0;
    for (size_t i = 0; i < pairs.distances.size(); ++i) {
      difference = std::max(difference, std::abs(pairs.distances[i] - one.distances[i]));
    }
    std::printf(", \"gpu_seconds\": %.4f, \"largest_difference\": %.3g", pairs.seconds, difference);
  }
  std::printf("}\n");
}
