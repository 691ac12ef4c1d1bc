#include "moca/core/watchdog.h"

#include <utility>

namespace moca {

Watchdog::Watchdog(std::chrono::duration<double> time_limit,
                   std::function<void(const std::string& phase, double seconds)> on_hang)
    : time_limit_(time_limit), on_hang_(std::move(on_hang)) {
  if (time_limit_.count() > 0) {
    thread_ = std::jthread([this](const std::stop_token& over) { watch(over); });
  }
}

void Watchdog::enter(const std::string& phase) {
  const std::lock_guard lock(mutex_);
  phase_ = phase;
  entered_ = Clock::now();
}

void Watchdog::watch(const std::stop_token& over) {
  std::unique_lock lock(mutex_);
  while (!over.stop_requested()) {
    const std::chrono::duration<double> taken = Clock::now() - entered_;
    if (taken < time_limit_) {
      stopped_.wait_for(lock, over, time_limit_ - taken, [] { return false; });
      continue;
    }
    const auto phase = phase_;
    lock.unlock();
    on_hang_(phase, taken.count());
    return;
  }
}

}  // namespace moca
