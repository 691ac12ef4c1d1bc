#pragma once

#include <filesystem>
#include <string_view>

namespace moca {

// Writes `bytes` to a temporary name beside `file` and renames it, so that no reader ever sees half
// a file. Throws Error when the folder is missing or the disk refuses.
void write_file(const std::filesystem::path& file, std::string_view bytes);

}  // namespace moca
