#include "moca/core/interrupt.h"

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace moca {
namespace {

// A signal handler can reach nothing but such a flag.
volatile std::sig_atomic_t first_signal = 0;
std::atomic<int> passed_on = 0;  // the signal that another process got

void on_signal(int signal) {
  if (first_signal != 0) {
    std::_Exit(128 + signal);
  }
  first_signal = signal;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);  // what Slurm sends before the time limit, as told
}

void interrupt(int signal) { passed_on = signal; }

bool interrupted() { return interrupting_signal() != 0; }

int interrupting_signal() { return first_signal != 0 ? first_signal : passed_on.load(); }

void stop_if_interrupted() {
  if (interrupted()) {
    throw Interrupted();
  }
}

}  // namespace moca
