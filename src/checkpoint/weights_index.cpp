#include "weights_index.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "error_text.h"
#include "moca/checkpoint/strict_json.h"
#include "moca/core/error.h"
#include "moca/core/text.h"

namespace moca::checkpoint {
namespace {

using Json = nlohmann::json;

// No folder, no way out of one.
bool is_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

}  // namespace

std::map<std::string, std::string> parse_index(const std::string& text, const std::string& file) {
  const Json json = parse_json(text, file);
  if (!json.is_object() || !json.contains("weight_map")) {
    throw Error(file,
                ": has no weight_map. An index of safetensors files names the file of "
                "every tensor there.");
  }
  // "metadata" tells the total size, nothing that reading needs.
  const Json& map = json.at("weight_map");
  const auto is_text = [](const Json& name) { return name.is_string(); };
  if (!map.is_object() || !std::ranges::all_of(map, is_text)) {
    throw Error(file, ": weight_map is not an object of file names.");
  }
  const auto shards = map.get<std::map<std::string, std::string>>();
  for (const auto& [tensor, shard] : shards) {
    if (!is_file_name(shard)) {
      throw Error(file, ": weight_map places ", in_quotes(tensor), " in ", in_quotes(shard),
                  ", which is not the name of a file beside the index.");
    }
  }
  return shards;
}

std::string index_json(const std::map<std::string, std::string>& shard_of_tensor,
                       uint64_t total_size) {
  const Json json = {{"metadata", {{"total_size", total_size}}}, {"weight_map", shard_of_tensor}};
  return json.dump(2) + "\n";
}

std::string shard_name(const std::string& stem, size_t index, size_t count) {
  return stem + formatted("-%05zu-of-%05zu.safetensors", index + 1, count);
}

}  // namespace moca::checkpoint
