#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace moca::stand_in {

// One moment at which the host waits for the device, or would on a GPU. `kind`: "item", "copy to
// host", "pageable copy to device" or the operator that has to wait.
void count_synchronization(const std::string& kind);

// Since the start or the last call of forget_synchronizations: how often, by kind and by the
// innermost function of the project that the dynamic linker knows by name.
std::map<std::pair<std::string, std::string>, int64_t> synchronizations();
void forget_synchronizations();

// The same as lines of text, most frequent first. MOCA_STAND_IN_REPORT=1 prints it at exit.
std::string synchronization_table();

}  // namespace moca::stand_in
