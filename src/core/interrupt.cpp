#include "moca/core/interrupt.h"

#include <csignal>
#include <cstdlib>

namespace moca {
namespace {

// A signal handler can reach nothing but such a flag.
volatile std::sig_atomic_t signal_count = 0;

void on_signal(int signal) {
  signal_count = signal_count + 1;
  if (signal_count > 1) {
    std::_Exit(128 + signal);
  }
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return signal_count > 0; }

}  // namespace moca
