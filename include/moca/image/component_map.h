#pragma once

#include <filesystem>
#include <string>

#include "moca/image/image.h"

namespace moca {

// A PNG whose pixels name components by number: grey of 1 to 16 bits or palette entries, as stored
// (no colours, no scaling). Throws Error where the file is of a kind that holds no exact numbers,
// or cannot be read.
ComponentMap read_component_map(const std::filesystem::path& file);

// The numbers that occur, ascending, without the background's 0.
std::vector<uint16_t> numbers_in(const ComponentMap& map);

// The components that occur, numbered 1, 2, ... in the order of their own numbers; where that
// changes a number a log line says so. Throws Error when there is none, or when 255 or 65535 looks
// like another program's background. `name` is what messages call the map.
ComponentMap without_gaps(const ComponentMap& map, const std::string& name);

}  // namespace moca
