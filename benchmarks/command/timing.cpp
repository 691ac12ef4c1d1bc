#include "timing.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

#include "moca/core/memory.h"

namespace moca::benchmarks {
namespace {

double cpu_ms() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

double wall_ms(const std::function<void()>& call, c10::Device device) {
  if (device.is_cpu()) {
    const auto start = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  }
  const auto stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  c10::Event begin(device.type(), c10::EventFlag::BACKEND_DEFAULT);
  c10::Event end(device.type(), c10::EventFlag::BACKEND_DEFAULT);
  begin.record(stream);
  call();
  end.record(stream);
  end.synchronize();
  return begin.elapsedTime(end);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

}  // namespace

Timing time_call(const std::function<void()>& call, c10::Device device) {
  const double start = cpu_ms();
  Timing timing;
  timing.wall_ms = wall_ms(call, device);
  timing.cpu_ms = cpu_ms() - start;
  return timing;
}

std::vector<Timing> time_in_turn(const std::vector<std::function<void()>>& calls, int64_t rounds,
                                 c10::Device device) {
  std::vector<std::vector<double>> wall(calls.size()), cpu(calls.size());
  for (int64_t round = -1; round < rounds; ++round) {
    for (size_t i = 0; i < calls.size(); ++i) {
      const auto timing = time_call(calls[i], device);
      if (round >= 0) {
        wall[i].push_back(timing.wall_ms);
        cpu[i].push_back(timing.cpu_ms);
      }
    }
  }
  std::vector<Timing> medians;
  for (size_t i = 0; i < calls.size(); ++i) {
    medians.push_back({median(wall[i]), median(cpu[i])});
  }
  return medians;
}

double peak_memory_gib(const std::function<void()>& call, c10::Device device) {
  if (device.is_cpu()) {
#ifdef __GLIBC__
    malloc_trim(0);  // what earlier calls freed would hide what this one takes
#endif
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak starts anew from what is held
    const double held = memory_gib();
    call();
    return moca::peak_memory_gib() - held;
  }
  auto* const allocator = c10::getDeviceAllocator(device.type());
  const auto index = device.has_index() ? device.index() : c10::DeviceIndex(0);
  allocator->resetPeakStats(index);
  const auto held = allocator->getDeviceStats(index).allocated_bytes[0].current;
  call();
  const auto peak = allocator->getDeviceStats(index).allocated_bytes[0].peak;
  return static_cast<double>(peak - held) / (1024.0 * 1024.0 * 1024.0);
}

}  // namespace moca::benchmarks
