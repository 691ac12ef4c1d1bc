#include "moca/experiment/run_paths.h"

#include <string>
#include <vector>

namespace moca::experiment {
namespace {

// What a run reads; where it is itself, runs_folder, is for the callers.
std::vector<std::string*> inputs_of(RunConfig& config) {
  auto& from = config.pretrained;
  std::vector<std::string*> inputs = {&config.vae_run,
                                      &from.vae,
                                      &from.dit,
                                      &from.image_encoder,
                                      &from.dit_lora,
                                      &from.image_encoder_lora,
                                      &config.data.path,
                                      &config.data.meshes.folder,
                                      &config.data.views.images};
  std::erase_if(inputs, [](const std::string* path) { return path->empty(); });
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
