#include "weights_index.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "error_text.h"
#include "moca/core/error.h"
#include "strict_json.h"

namespace moca::checkpoint {
namespace {

// No folder, no way out of one.
bool is_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

}  // namespace

std::map<std::string, std::string> parse_index(const std::string& json, const std::string& file) {
  std::map<std::string, std::string> shards;
  bool has_map = false;
  const auto visit = [&](const JsonEvent& event) {
    if (event.keys.empty() || event.keys[0] != "weight_map") {
      return;  // "metadata" tells the total size, nothing that reading needs
    }
    const bool inside = event.keys.size() == 2 && event.kind == JsonKind::kString;
    const bool around = event.keys.size() == 1 && event.num_arrays == 0 &&
                        (event.kind == JsonKind::kObject || event.kind == JsonKind::kEnd);
    if ((!inside && !around) || event.num_arrays > 0) {
      throw Error(file + ": weight_map is not an object of file names.");
    }
    has_map = true;
    if (inside && !is_file_name(event.text)) {
      throw Error(file + ": weight_map places " + in_quotes(event.keys[1]) + " in " +
                  in_quotes(event.text) + ", which is not the name of a file beside the index.");
    }
    if (inside) {
      shards.emplace(event.keys[1], event.text);
    }
  };
  read_json(json, file, visit);
  if (!has_map) {
    throw Error(file +
                ": has no weight_map. An index of safetensors files names the file of "
                "every tensor there.");
  }
  return shards;
}

std::string index_json(const std::map<std::string, std::string>& shard_of_tensor,
                       uint64_t total_size) {
  const nlohmann::json json = {{"metadata", {{"total_size", total_size}}},
                               {"weight_map", shard_of_tensor}};
  return json.dump(2) + "\n";
}

std::string shard_name(const std::string& stem, size_t index, size_t count) {
  char number[48];
  std::snprintf(number, sizeof(number), "-%05zu-of-%05zu", index + 1, count);
  return stem + number + ".safetensors";
}

}  // namespace moca::checkpoint
