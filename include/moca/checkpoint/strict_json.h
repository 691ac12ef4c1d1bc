#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace moca::checkpoint {

// Parses JSON that nobody vouches for: what is not JSON or UTF-8, names a key twice in an object,
// is nested deeper than 16 levels or has more than 4 million values is an Error that begins with
// `what`.
nlohmann::json parse_json(const std::string& text, const std::string& what);

// The object in a file of such JSON.
nlohmann::json read_json_object(const std::filesystem::path& file);

}  // namespace moca::checkpoint
