#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moca/data/asset.h"

namespace moca::data {

struct DatasetIndex {
  int64_t image_size = 0;
  std::string made_by;
  std::vector<AssetRecord> records;
  std::vector<std::string> left_out;  // why an asset of the source is not in `records`
};

void write_index(const std::filesystem::path& file, const DatasetIndex& index);

// Throws Error for a missing or broken file, or one of another schema version.
DatasetIndex read_index(const std::filesystem::path& file);

}  // namespace moca::data
