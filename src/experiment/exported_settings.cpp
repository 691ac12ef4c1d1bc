#include "exported_settings.h"

#include <algorithm>

#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/pretrained/hugging_face_folder.h"

namespace moca::experiment {
namespace {

bool is_exported(const std::string& setting) {
  return setting == "vae.num_tokens" || setting == "image_encoder.image_size" ||
         setting == "training.precision" || setting == "vae_training.target" ||
         setting == "vae_training.truncation" || setting.starts_with("sampler.") ||
         setting.starts_with("decoder.");
}

}  // namespace

NamedSettings settings_of(const RunConfig& config, bool (*wanted)(const std::string& path)) {
  NamedSettings settings;
  for (const auto& setting : config::describe(config)) {
    if (wanted(setting.path)) {
      settings.emplace_back(setting.path, setting.default_value);
    }
  }
  return settings;
}

NamedSettings exported_settings(const RunConfig& config) {
  return settings_of(config, is_exported);
}

void apply_exported_settings(const NamedSettings& stored, const std::filesystem::path& folder,
                             const std::vector<std::string>& overrides, RunConfig* config) {
  const auto file = (folder / pretrained::kModelIndex).string();
  auto binding = config::bind(*config);
  std::vector<std::string> assignments;
  for (const auto& [name, value] : stored) {
    if (is_exported(name)) {
      assignments.push_back(name + "=" + value);
    } else {
      log::warn(file + ": _sampling.settings." + name + " is unknown and ignored");
    }
  }
  for (const auto& setting : binding.settings) {
    const auto is_it = [&](const std::string& assignment) {
      return assignment.starts_with(setting.path + "=");
    };
    if (is_exported(setting.path) && std::ranges::none_of(assignments, is_it) &&
        std::ranges::none_of(overrides, is_it)) {
      throw Error(file, ": _sampling.settings.", setting.path,
                  " is missing, and sampling needs it. Name it on the command line (", setting.path,
                  "=VALUE) or write the folder again with moca convert-weights.");
    }
  }
  try {
    config::apply_overrides(binding, assignments);
  } catch (const Error& mistake) {
    throw Error(file, ": _sampling.settings: ", mistake.what());
  }
}

}  // namespace moca::experiment
