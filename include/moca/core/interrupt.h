#pragma once

#include <exception>

namespace moca {

// Thrown out of long work that has nothing to save yet.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

// From here on SIGINT (Ctrl-C), SIGTERM and SIGUSR1 only ask long work to stop at its next safe
// point; a second one ends the program at once.
void catch_interrupts();

// As if such a signal had come to this process: another one got it. Does not count as a first one.
void interrupt(int signal);

// True once such a signal has come.
bool interrupted();

// The first that came, 0 for none.
int interrupting_signal();

// Throws Interrupted once such a signal has come.
void stop_if_interrupted();

}  // namespace moca
