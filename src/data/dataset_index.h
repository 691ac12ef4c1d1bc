#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "moca/core/file_io.h"
#include "moca/data/prepared_dataset.h"

namespace moca::data {

struct DatasetIndex {
  int64_t image_size = 0;
  std::string made_by;
  std::vector<AssetRecord> records;
  std::vector<std::string> left_out;  // why an asset of the source is not in `records`
  std::map<std::string, FileSum> shards;
  // How many of the source's assets are in `records` or in `left_out`, and of how many; equal once
  // the dataset is finished.
  int64_t num_done = 0;
  int64_t num_assets = 0;
  std::string source_sum;  // of the source's files, until the dataset is finished

  bool finished() const { return num_done == num_assets; }
};

void write_index(const std::filesystem::path& file, const DatasetIndex& index);

// Whether it can name a folder or a file.
bool is_plain_name(const std::string& name);

// One asset as it stands in the index, and back. `file`: what messages call its place.
std::string text_of(const AssetRecord& record);
AssetRecord record_of(const std::string& text, const std::filesystem::path& file);

// A text as it is read back: bytes that are not UTF-8 are replaced when it is written.
std::string as_stored(const std::string& text);

// Throws Error for a missing or broken file, or one of another schema version.
DatasetIndex read_index(const std::filesystem::path& file);

}  // namespace moca::data
