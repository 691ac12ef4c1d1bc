#pragma once

#include <map>
#include <optional>

#include "moca/core/file_io.h"

namespace moca::checkpoint {

// manifest.json, the last file of a checkpoint: its step, and size and checksum of the others.
struct Manifest {
  int64_t step = 0;
  std::map<std::string, FileSum> files = {};
};

constexpr const char* kManifestName = "manifest.json";

void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

// What is wrong with the checkpoint in `folder`, which should be of `step`, for a person to read;
// nothing where every file is there with the bytes that were written.
std::optional<std::string> damage_of(const std::filesystem::path& folder, int64_t step);

}  // namespace moca::checkpoint
