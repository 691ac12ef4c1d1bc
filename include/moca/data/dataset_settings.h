#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "moca/data/data_config.h"

namespace moca::data {

// What a prepared dataset says of itself before any tensor is read.
struct DatasetSettings {
  std::optional<DataConfig> made_by;  // none: of a version whose settings cannot be read
  int64_t image_size = 0;
  int64_t most_components = 0;  // of an asset
  std::string largest_asset;    // its id
};

// Throws Error for a missing or broken dataset; settings that cannot be read are warned about.
DatasetSettings read_dataset_settings(const std::filesystem::path& folder);

}  // namespace moca::data
