// How long a thread of OpenMP spins for the others of its team before it sleeps. libgomp's own few
// milliseconds make a step more than ten times as long beside two busy programs on two cores: the
// time goes from the thread that is waited for. libgomp reads the setting when it is loaded, before
// the program's own code, but for what .preinit_array names: that starts the program once more with
// it.
#include <unistd.h>

#include <array>
#include <climits>
#include <cstddef>
#include <string_view>

namespace {

constexpr size_t kMostVariables = 4096;     // with more the program runs as it was started
char spin_count[] = "GOMP_SPINCOUNT=1000";  // some microseconds

void restart_with_spin_count(int /*argc*/, char** argv, char** environment) {
  static std::array<char*, kMostVariables> extended;
  size_t count = 0;
  for (; environment[count] != nullptr; ++count) {
    const std::string_view variable = environment[count];
    if (variable.starts_with("GOMP_SPINCOUNT=") || variable.starts_with("OMP_WAIT_POLICY=") ||
        count + 2 == kMostVariables) {
      return;
    }
    extended[count] = environment[count];
  }
  extended[count] = spin_count;
  // By its path: the process's name is that of the file which was started.
  static std::array<char, PATH_MAX> program;
  if (readlink("/proc/self/exe", program.data(), program.size() - 1) > 0) {
    execve(program.data(), argv, extended.data());  // where it fails, libgomp's own time stays
  }
}

[[gnu::section(".preinit_array"),
  gnu::used]] void (*const kBeforeLibraries)(int, char**, char**) = restart_with_spin_count;

}  // namespace
