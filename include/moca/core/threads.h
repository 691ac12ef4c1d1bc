#pragma once

#include <cstdint>
#include <string>

namespace moca {

// Refuses numbers of threads that no machine serves: more than four for each that this one runs at
// a time. `setting`: what the user called it.
void require_threads(const std::string& setting, int64_t count);

}  // namespace moca
