#include "moca/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".unfinished_";

// Steps of complete checkpoints, ascending.
std::vector<int64_t> steps_in(const fs::path& checkpoints) {
  std::vector<int64_t> steps;
  if (!fs::is_directory(checkpoints)) {
    return steps;
  }
  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    long long step = 0;
    const auto name = entry.path().filename().string();
    if (std::sscanf(name.c_str(), "step_%lld", &step) == 1 &&
        entry.path() == step_folder(checkpoints, step) && fs::exists(entry.path() / "state.json")) {
      steps.push_back(step);
    }
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

}  // namespace

fs::path step_folder(const fs::path& checkpoints, int64_t step) {
  char name[32];
  std::snprintf(name, sizeof(name), "step_%08lld", static_cast<long long>(step));
  return checkpoints / name;
}

void write_checkpoint(const fs::path& checkpoints, int64_t step,
                      const std::map<std::string, NamedTensors>& files,
                      const std::string& state_json, int64_t keep) {
  const auto target = step_folder(checkpoints, step);
  if (fs::exists(target)) {
    return;
  }
  try {
    const auto unfinished = checkpoints / (kUnfinished + target.filename().string());
    fs::remove_all(unfinished);
    fs::create_directories(unfinished);
    for (const auto& [name, tensors] : files) {
      write_safetensors(unfinished / name, tensors);
    }
    write_file(unfinished / "state.json", state_json);
    sync_folder(unfinished);
    fs::rename(unfinished, target);
    sync_folder(checkpoints);
    auto steps = steps_in(checkpoints);
    while (static_cast<int64_t>(steps.size()) > std::max<int64_t>(keep, 1)) {
      fs::remove_all(step_folder(checkpoints, steps.front()));
      steps.erase(steps.begin());
    }
  } catch (const fs::filesystem_error& failure) {
    throw Error("cannot write the checkpoint " + target.string() + ": " + failure.what() +
                ". Free space on the disk or choose a folder that can be written to.");
  }
}

std::optional<int64_t> latest_step(const fs::path& checkpoints) {
  const auto steps = steps_in(checkpoints);
  return steps.empty() ? std::nullopt : std::optional(steps.back());
}

void remove_unfinished(const fs::path& checkpoints) {
  if (!fs::is_directory(checkpoints)) {
    return;
  }
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    if (entry.path().filename().string().rfind(kUnfinished, 0) == 0) {
      leftovers.push_back(entry.path());
    }
  }
  for (const auto& leftover : leftovers) {
    fs::remove_all(leftover);
  }
}

}  // namespace moca::checkpoint
