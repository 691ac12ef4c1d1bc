#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace moca {

// Notices when work hangs: each phase of it must be followed by the next within the time limit.
class Watchdog {
 public:
  // A limit of 0 watches nothing. `on_hang` gets the phase and the seconds it has taken; it runs on
  // a thread of the watchdog, once, and is expected to end the process.
  Watchdog(std::chrono::duration<double> time_limit,
           std::function<void(const std::string& phase, double seconds)> on_hang);

  // The phase before has ended, this one begins.
  void enter(const std::string& phase);

 private:
  void watch(const std::stop_token& over);

  using Clock = std::chrono::steady_clock;
  std::chrono::duration<double> time_limit_;
  std::function<void(const std::string& phase, double seconds)> on_hang_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::string phase_ = "start";
  Clock::time_point entered_ = Clock::now();
  std::jthread thread_;  // the last member: it is stopped before what it uses goes
};

}  // namespace moca
