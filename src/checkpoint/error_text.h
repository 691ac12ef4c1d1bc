#pragma once

#include <string>

namespace moca::checkpoint {

// 'name' for a message of one line: control characters replaced, the end of a long one left out.
std::string in_quotes(const std::string& name);

}  // namespace moca::checkpoint
