#include "moca/experiment/model_description.h"

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/config/schema.h"
#include "model_json.h"

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

std::string full_path(const std::filesystem::path& folder) {
  return std::filesystem::absolute(folder).lexically_normal().string();
}

}  // namespace

ModelDescription describe_run(const RunConfig& config, std::vector<std::string> accepted) {
  ModelDescription model{full_path(config.folder()),
                         checkpoint::latest_good_step(config.folder() / "checkpoints"),
                         sampling_settings(config), std::move(accepted)};
  model.settings.emplace_back("training.precision",
                              std::string(config::name_of(config.training.precision)));
  return model;
}

ModelDescription describe_weights(const RunConfig& config, const std::filesystem::path& folder,
                                  const std::string& precision) {
  ModelDescription model{full_path(folder), std::nullopt, sampling_settings(config), {}};
  model.settings.emplace_back("precision", precision);
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
