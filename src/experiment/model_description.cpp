#include "model_description.h"

#include <algorithm>
#include <array>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/config/schema.h"
#include "moca/experiment/run_paths.h"

namespace moca::experiment {
namespace {

std::vector<std::pair<std::string, std::string>> sampling_settings(const RunConfig& config) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const auto& setting : config::describe(config)) {
    if (setting.path.starts_with("sampler.") || setting.path.starts_with("decoder.")) {
      settings.emplace_back(setting.path, setting.default_value);
    }
  }
  return settings;
}

// Whether a setting may change what comes out of the model.
bool is_of_model(const std::string& path) {
  constexpr std::array kSections = {"dit.", "image_encoder.", "vae.", "dit_training."};
  return std::any_of(kSections.begin(), kSections.end(),
                     [&](const char* section) { return path.starts_with(section); });
}

// Those that this use of the model was given anew.
void add_changed(const RunConfig& stored, const RunConfig& config, ModelDescription& model) {
  for (const auto& [path, before, now, may_change] : config::differences(stored, config)) {
    if (is_of_model(path)) {
      model.settings.emplace_back(path, now);
    }
  }
}

}  // namespace

ModelDescription describe_run(const RunConfig& config, std::vector<std::string> accepted) {
  ModelDescription model{absolute_folder(config.folder()).string(),
                         checkpoint::latest_good_step(config.folder() / "checkpoints"),
                         sampling_settings(config), std::move(accepted)};
  model.settings.emplace_back("training.precision",
                              std::string(config::name_of(config.training.precision)));
  add_changed(load_run(config.folder()), config, model);
  return model;
}

ModelDescription describe_weights(const RunConfig& config, const std::filesystem::path& folder,
                                  const std::string& precision,
                                  const std::vector<std::string>& overrides) {
  ModelDescription model{
      absolute_folder(folder).string(), std::nullopt, sampling_settings(config), {}};
  model.settings.emplace_back("precision", precision);
  for (const auto& text : overrides) {
    const auto path = text.substr(0, text.find('='));
    for (const auto& setting : config::describe(config)) {
      if (setting.path == path && is_of_model(path)) {
        model.settings.emplace_back(path, setting.default_value);
      }
    }
  }
  return model;
}

nlohmann::ordered_json json_of(const ModelDescription& model) {
  using Json = nlohmann::ordered_json;
  Json json = {{"folder", model.folder}};
  if (model.step) {
    json["step"] = *model.step;
  }
  Json settings = Json::object();
  for (const auto& [path, text] : model.settings) {
    const auto value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    settings[path] = value.is_discarded() ? Json(text) : value;
  }
  json["settings"] = settings;
  json["accepted"] = model.accepted;
  return json;
}

}  // namespace moca::experiment
