#include "moca/checkpoint/checkpoint_folder.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "manifest.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".unfinished_";
constexpr const char* kDamaged = "damaged_";
constexpr uint64_t kSpareBytes = 1 << 20;  // for headers, state.json, the manifest and the folders

// Steps of checkpoints, ascending, whatever is in them.
std::vector<int64_t> steps_in(const fs::path& checkpoints) {
  std::vector<int64_t> steps;
  if (!fs::is_directory(checkpoints)) {
    return steps;
  }
  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    long long step = 0;
    const auto name = entry.path().filename().string();
    if (std::sscanf(name.c_str(), "step_%lld", &step) == 1 &&
        entry.path() == step_folder(checkpoints, step)) {
      steps.push_back(step);
    }
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

uint64_t bytes_of(const TensorFiles& files) {
  uint64_t bytes = kSpareBytes;
  for (const auto& [name, tensors] : files) {
    for (const auto& [key, tensor] : tensors) {
      bytes += tensor.nbytes();
    }
  }
  return bytes;
}

void write_files(const fs::path& folder, int64_t step, const TensorFiles& files,
                 const std::string& state_json) {
  Manifest manifest;
  manifest.step = step;
  for (const auto& [name, tensors] : files) {
    manifest.files[name] = write_safetensors(folder / name, tensors);
  }
  manifest.files["state.json"] = write_file(folder / "state.json", state_json);
  write_manifest(folder, manifest);
  sync_folder(folder);
}

void remove_old(const fs::path& checkpoints, Retention keep) {
  const auto steps = steps_in(checkpoints);
  const auto num_last = static_cast<size_t>(std::max<int64_t>(keep.last, 1));
  for (size_t i = 0; i + num_last < steps.size(); ++i) {
    if (keep.every <= 0 || steps[i] % keep.every != 0) {
      fs::remove_all(step_folder(checkpoints, steps[i]));
    }
  }
}

// Moves a damaged checkpoint out of the way; its name may have been taken before.
void set_aside(const fs::path& folder) {
  const auto name = folder.parent_path() / (kDamaged + folder.filename().string());
  auto free = name;
  for (int i = 2; fs::exists(free); ++i) {
    free = name.string() + "_" + std::to_string(i);
  }
  fs::rename(folder, free);
  log::warn(folder.string() + " was renamed to " + free.filename().string());
}

}  // namespace

fs::path step_folder(const fs::path& checkpoints, int64_t step) {
  char name[32];
  std::snprintf(name, sizeof(name), "step_%08lld", static_cast<long long>(step));
  return checkpoints / name;
}

void write_checkpoint(const fs::path& checkpoints, int64_t step, const TensorFiles& files,
                      const std::string& state_json, Retention keep) {
  const auto target = step_folder(checkpoints, step);
  if (fs::exists(target)) {
    return;
  }
  const auto unfinished = checkpoints / (kUnfinished + target.filename().string());
  try {
    fs::create_directories(checkpoints);
    fs::remove_all(unfinished);
    check_free_space(checkpoints, bytes_of(files),
                     "the checkpoint of step " + std::to_string(step));
    fs::create_directories(unfinished);
    write_files(unfinished, step, files, state_json);
    fs::rename(unfinished, target);
    sync_folder(checkpoints);
    remove_old(checkpoints, keep);
  } catch (const fs::filesystem_error& failure) {
    throw Error("cannot write the checkpoint " + target.string() + ": " + failure.what() +
                ". Free space on the disk or choose a folder that can be written to.");
  } catch (const Error&) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    throw;
  }
}

std::optional<int64_t> latest_good_step(const fs::path& checkpoints) {
  const auto steps = steps_in(checkpoints);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const auto damage = damage_of(step_folder(checkpoints, *step), *step);
    if (!damage) {
      return *step;
    }
    log::warn("the checkpoint " + step_folder(checkpoints, *step).string() +
              " is damaged and not used: " + *damage);
  }
  return std::nullopt;
}

void tidy_up(const fs::path& checkpoints) {
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
  const auto good = latest_good_step(checkpoints).value_or(-1);
  for (const int64_t step : steps_in(checkpoints)) {
    if (step > good) {
      set_aside(step_folder(checkpoints, step));
    }
  }
}

}  // namespace moca::checkpoint
