#include "moca/core/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "moca/core/logging.h"
#include "moca/core/text.h"

namespace moca {
namespace {

constexpr double kTerminalInterval = 0.2;  // seconds between redraws of the line on a terminal
constexpr double kLogInterval = 10.0;      // seconds between plain log lines
constexpr double kShortestRated = 0.1;     // seconds; the rate of an instant says nothing

std::string format_rate(double per_second, const std::string& unit) {
  return per_second >= 1.0 || per_second <= 0.0
             ? formatted("%.1f %ss/s", per_second, unit.c_str())
             : formatted("%.1f s/%s", 1.0 / per_second, unit.c_str());
}

}  // namespace

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string format_duration(double seconds) {
  const long long total = std::llround(std::max(seconds, 0.0));
  return total >= 3600 ? formatted("%lld h %02lld min", total / 3600, total % 3600 / 60)
         : total >= 60 ? formatted("%lld min %02lld s", total / 60, total % 60)
                       : formatted("%lld s", total);
}

Progress::Progress(std::string title, int64_t total, std::string unit, int64_t done, bool shown)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      start_count_(done),
      last_done_(done),
      shown_(shown),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      last_print_(start_) {}

Progress::~Progress() {
  if (shown_ && last_done_ > start_count_) {
    print(last_done_, last_note_, true);
  }
}

void Progress::update(int64_t done, const std::string& note) {
  last_done_ = done;
  last_note_ = note;
  if (shown_ && seconds_since(last_print_) >= (terminal_ ? kTerminalInterval : kLogInterval)) {
    last_print_ = Clock::now();
    print(done, note, false);
  }
}

// "3 min 20 s left", or "3 min 20 s left of the time limit" where that ends the work first.
std::string Progress::time_left(int64_t done, double rate, double elapsed) const {
  const double needed = rate > 0 ? static_cast<double>(total_ - done) / rate : 0.0;
  const double allowed = time_limit_ - elapsed;
  return needed <= allowed ? format_duration(needed) + " left"
                           : format_duration(allowed) + " left of the time limit";
}

void Progress::print(int64_t done, const std::string& note, bool last) {
  const double elapsed = seconds_since(start_);
  const double rate = elapsed > 0 ? static_cast<double>(done - start_count_) / elapsed : 0.0;
  std::string line = title_ + " " + std::to_string(done) + "/" + std::to_string(total_) + " | ";
  if (elapsed >= kShortestRated) {
    line += format_rate(rate, unit_) + " | ";
  }
  line += last ? "took " + format_duration(elapsed) : time_left(done, rate, elapsed);
  if (!note.empty()) {
    line += " | " + note;
  }
  if (!terminal_) {
    log::info(line);
  } else if (last) {
    std::fputs("\r\033[K", stderr);
    log::info(line);
  } else {
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
  }
}

}  // namespace moca
