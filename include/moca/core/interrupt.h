#pragma once

namespace moca {

// From here on SIGINT (Ctrl-C) and SIGTERM only ask long work to stop at its next safe point; a
// second one ends the program at once.
void catch_interrupts();

// True once such a signal has come.
bool interrupted();

}  // namespace moca
