#include "moca/core/threads.h"

#include <algorithm>
#include <thread>

#include "moca/core/error.h"

namespace moca {

void require_threads(const std::string& setting, int64_t count) {
  const int64_t at_a_time = std::max(std::thread::hardware_concurrency(), 1U);
  if (count > 4 * at_a_time) {
    throw Error(setting, " (", count, ") must be at most ", 4 * at_a_time, ": this machine runs ",
                at_a_time, " threads at a time, and more than that only wait.");
  }
}

}  // namespace moca
