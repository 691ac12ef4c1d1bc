#pragma once

#include <stdexcept>
#include <string>

namespace moca {

// A mistake the user can mend: a setting, a file, a data set. `main` prints it as one line and
// exits with code 2. Say what is wrong, the value found, the rule, and the way out. A broken
// contract between our own functions is a TORCH_CHECK or an assert instead.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace moca
