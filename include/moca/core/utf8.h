#pragma once

#include <string>
#include <string_view>

namespace moca {

// The text where it is valid UTF-8; else every byte that belongs to no valid character is taken for
// Latin-1, as old exporters write names.
std::string to_utf8(std::string_view text);

}  // namespace moca
