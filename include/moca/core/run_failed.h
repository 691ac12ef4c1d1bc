#pragma once

#include <stdexcept>

namespace moca {

// What ends a run although nobody made a mistake: memory that is used up, a process that went away.
// `main` prints it as one line and exits with code 1.
class RunFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace moca
