#include "moca/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "manifest.h"
#include "moca/core/logging.h"
#include "moca/core/text.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".unfinished_";
constexpr const char* kDamaged = "damaged_";

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

// Names, sizes and times of a checkpoint's files.
std::set<std::string> state_of_files(const fs::path& folder) {
  std::set<std::string> files;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    files.insert(entry.path().filename().string() + " " +
                 std::to_string(entry.is_regular_file() ? entry.file_size() : 0) + " " +
                 std::to_string(entry.last_write_time().time_since_epoch().count()));
  }
  return files;
}

// damage_of reads every byte: a program that asks again about files that stayed as they were gets
// the same answer without.
std::optional<std::string> damage_unless_known_sound(const fs::path& folder, int64_t step) {
  static std::mutex mutex;
  static std::map<std::string, std::set<std::string>> sound;  // files of a checkpoint when it was
  const auto key = fs::absolute(folder).string();
  const auto state = state_of_files(folder);
  const std::scoped_lock lock(mutex);
  if (const auto known = sound.find(key); known != sound.end() && known->second == state) {
    return std::nullopt;
  }
  const auto damage = damage_of(folder, step);
  if (!damage) {
    sound[key] = state;
  }
  return damage;
}

}  // namespace

fs::path step_folder(const fs::path& checkpoints, int64_t step) {
  return checkpoints / formatted("step_%08lld", static_cast<long long>(step));
}

fs::path unfinished_folder(const fs::path& checkpoints, int64_t step) {
  return checkpoints / (kUnfinished + step_folder(checkpoints, step).filename().string());
}

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
  std::ranges::sort(steps);
  return steps;
}

std::optional<int64_t> latest_good_step(const fs::path& checkpoints) {
  const auto steps = steps_in(checkpoints);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const auto damage = damage_unless_known_sound(step_folder(checkpoints, *step), *step);
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
  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    if (entry.path().filename().string().starts_with(kUnfinished)) {
      fs::remove_all(entry.path());
    }
  }
  const auto good = latest_good_step(checkpoints).value_or(-1);
  for (const int64_t step : steps_in(checkpoints)) {
    if (step > good) {
      set_aside(step_folder(checkpoints, step));
    }
  }
}

}  // namespace moca::checkpoint
