#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace moca::benchmarks {

// What one call took. On a GPU `wall` is between events of its stream, on a CPU by the clock; `cpu`
// is the time of all threads of the process, which other load on the machine moves least.
struct Timing {
  double wall_ms = 0.0;
  double cpu_ms = 0.0;
};

Timing time_call(const std::function<void()>& call, c10::Device device);

// The median of each figure over `rounds` calls of every function, one after another in turn, after
// one call of each that does not count.
std::vector<Timing> time_in_turn(const std::vector<std::function<void()>>& calls, int64_t rounds,
                                 c10::Device device);

// Largest memory that `call` needs on top of what is held, in GiB: of the process on a CPU, of the
// allocator on a GPU.
double peak_memory_gib(const std::function<void()>& call, c10::Device device);

}  // namespace moca::benchmarks
