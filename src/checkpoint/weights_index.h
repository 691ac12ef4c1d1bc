#pragma once

#include <map>
#include <string>

namespace moca::checkpoint {

// Parses X.safetensors.index.json: the name of every tensor to the file name of its shard, which
// lies in the index's folder. `file` is for messages.
std::map<std::string, std::string> parse_index(const std::string& json, const std::string& file);

}  // namespace moca::checkpoint
