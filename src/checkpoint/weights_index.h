#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace moca::checkpoint {

// Parses X.safetensors.index.json: the name of every tensor to the file name of its shard, which
// lies in the index's folder. `file` is for messages.
std::map<std::string, std::string> parse_index(const std::string& json, const std::string& file);

// The text of such an index; `total_size` is the tensors' bytes.
std::string index_json(const std::map<std::string, std::string>& shard_of_tensor,
                       uint64_t total_size);

// model-00001-of-00003.safetensors
std::string shard_name(const std::string& stem, size_t index, size_t count);

}  // namespace moca::checkpoint
