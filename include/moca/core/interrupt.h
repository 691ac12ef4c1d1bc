#pragma once

namespace moca {

// From here on SIGINT (Ctrl-C), SIGTERM and SIGUSR1 only ask long work to stop at its next safe
// point; a second one ends the program at once.
void catch_interrupts();

// True once such a signal has come.
bool interrupted();

// The first that came, 0 for none.
int interrupting_signal();

}  // namespace moca
