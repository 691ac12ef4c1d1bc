#pragma once

#include <stdexcept>

#include "moca/core/text.h"

namespace moca {

// A mistake the user can mend: a setting, a file, a data set. `main` prints it as one line and
// exits with code 2. Say what is wrong, the value found, the rule, and the way out. A broken
// contract between our own functions is a TORCH_CHECK or an assert instead.
class Error : public std::runtime_error {
 public:
  // The parts of the message: texts, paths and numbers.
  template <class... Parts>
  explicit Error(const Parts&... parts) : std::runtime_error(concatenated(parts...)) {}
};

// What ends a run although nobody made a mistake: memory that is used up, a process that went away.
// `main` prints it as one line and exits with code 1.
class RunFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace moca
