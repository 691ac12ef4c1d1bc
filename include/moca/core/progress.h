#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

namespace moca {

// Shows how far a long piece of work has come: one line redrawn in place on a terminal, a plain log
// line every few seconds elsewhere. Both carry the rate and the remaining time.
class Progress {
 public:
  // `total` units of `unit` ("step", "asset"); `done` of them were finished by an earlier run. Not
  // `shown`, it says nothing: another process does the same work and speaks for both.
  Progress(std::string title, int64_t total, std::string unit, int64_t done = 0, bool shown = true);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // The work also ends after this time, whatever is done by then.
  void end_after(double seconds) { time_limit_ = seconds; }

  // Reports that `done` units are finished; `note` is appended, for example "loss 0.123".
  void update(int64_t done, const std::string& note = "");

 private:
  std::string time_left(int64_t done, double rate, double elapsed) const;
  void print(int64_t done, const std::string& note, bool last);

  using Clock = std::chrono::steady_clock;
  std::string title_;
  std::string unit_;
  int64_t total_;
  int64_t start_count_;
  int64_t last_done_;
  std::string last_note_;
  bool shown_;
  bool terminal_;
  double time_limit_ = std::numeric_limits<double>::infinity();  // seconds
  Clock::time_point start_;
  Clock::time_point last_print_;
};

double seconds_since(std::chrono::steady_clock::time_point start);

// "1 h 04 min", "3 min 20 s", "12 s".
std::string format_duration(double seconds);

}  // namespace moca
