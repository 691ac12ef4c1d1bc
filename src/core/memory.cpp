#include "moca/core/memory.h"

#include <fstream>
#include <string>

namespace moca {
namespace {

// A line such as "VmHWM:  1234 kB" of this process's status.
double status_gib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name + ":", 0) == 0) {
      return std::stod(line.substr(name.size() + 1)) / (1024.0 * 1024.0);
    }
  }
  return 0.0;
}

}  // namespace

double memory_gib() { return status_gib("VmRSS"); }
double peak_memory_gib() { return status_gib("VmHWM"); }

}  // namespace moca
