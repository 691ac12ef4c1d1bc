#include "model_description.h"

#include <algorithm>
#include <array>

#include "exported_settings.h"
#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/config/schema.h"
#include "moca/experiment/run_paths.h"

namespace moca::experiment {
namespace {

bool is_of_sampling(const std::string& path) {
  return path.starts_with("sampler.") || path.starts_with("decoder.");
}

// Whether a setting may change what comes out of the model.
bool is_of_model(const std::string& path) {
  constexpr std::array kSections = {"dit.",          "image_encoder.", "vae.",
                                    "dit_training.", "condition.",     "adapter."};
  return std::ranges::any_of(kSections,
                             [&](const char* section) { return path.starts_with(section); });
}

}  // namespace

ModelDescription describe_run(const RunConfig& config, std::vector<std::string> accepted) {
  ModelDescription model{absolute_folder(config.folder()).string(),
                         checkpoint::latest_good_step(config.folder() / "checkpoints"),
                         settings_of(config, is_of_sampling), std::move(accepted)};
  model.settings.emplace_back("training.precision", config::name_of(config.training.precision));
  for (const auto& [path, stored, now, may_change] :
       config::differences(load_run(config.folder()), config)) {
    if (is_of_model(path)) {  // given anew for this use of the model
      model.settings.emplace_back(path, now);
    }
  }
  return model;
}

ModelDescription describe_weights(const RunConfig& config, const std::filesystem::path& folder,
                                  const std::string& precision,
                                  const std::vector<std::string>& overrides) {
  ModelDescription model{
      absolute_folder(folder).string(), std::nullopt, settings_of(config, is_of_sampling), {}};
  model.settings.emplace_back("precision", precision);
  const auto of_model = settings_of(config, is_of_model);
  for (const auto& text : overrides) {
    for (const auto& setting : of_model) {
      if (text.starts_with(setting.first + "=")) {
        model.settings.push_back(setting);
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
