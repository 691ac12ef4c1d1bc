#include "moca/experiment/run_paths.h"

#include <string>
#include <vector>

#include "moca/config/schema.h"
#include "moca/core/error.h"

namespace moca::experiment {
namespace {

// What a run reads; where it is itself, runs_folder, is for the callers.
std::vector<std::string*> inputs_of(RunConfig& config) {
  std::vector<std::string*> inputs;
  for (const auto& setting : config::bind(config).settings) {
    const auto* place = std::get_if<std::string*>(&setting.variable);
    if (setting.texts.is_place && place != nullptr && !(*place)->empty()) {
      inputs.push_back(*place);
    }
  }
  return inputs;
}

}  // namespace

std::filesystem::path absolute_folder(const std::filesystem::path& path) {
  const auto folder = std::filesystem::absolute(path).lexically_normal();
  return folder.has_filename() ? folder : folder.parent_path();  // it ended in a slash
}

RunConfig with_absolute_paths(RunConfig config) {
  for (std::string* input : inputs_of(config)) {
    *input = absolute_folder(*input).string();
  }
  config.runs_folder = absolute_folder(config.runs_folder).string();
  return config;
}

void require_new(const std::filesystem::path& folder, const std::string& way_out) {
  if (std::filesystem::exists(folder)) {
    throw Error("the folder ", folder, " exists already and is not overwritten. ", way_out);
  }
}

void follow_moved_run(const std::filesystem::path& run_folder, RunConfig& config) {
  std::error_code ignored;
  const auto original = config.folder();
  if (std::filesystem::equivalent(original, run_folder, ignored)) {
    return;
  }
  const auto here = absolute_folder(run_folder);
  for (std::string* input : inputs_of(config)) {
    const auto relation = std::filesystem::path(*input).lexically_relative(original);
    const auto moved = (here / relation).lexically_normal();
    if (!relation.empty() && std::filesystem::exists(moved, ignored)) {
      *input = moved.string();
    }
  }
  config.runs_folder = here.parent_path().string();
  config.name = here.filename().string();
}

}  // namespace moca::experiment
