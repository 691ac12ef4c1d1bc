#include "training_settings.h"

#include <algorithm>

#include "moca/config/schema.h"
#include "moca/config/values.h"
#include "moca/core/error.h"
#include "moca/core/program.h"
#include "moca/core/text.h"
#include "moca/data/dataset_settings.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;

// " in the working folder /home/me", where `path` begins there.
std::string place_of(const std::string& path) {
  return fs::path(path).is_absolute() ? ""
                                      : " in the working folder " + fs::current_path().string();
}

std::string prepare_command(const fs::path& file, const std::vector<std::string>& overrides) {
  std::string arguments = "prepare-data " + shell_word(file.string());
  for (const auto& text : overrides) {
    arguments += text.starts_with("data.") ? " " + shell_word(text) : "";
  }
  return command(arguments);
}

// "train configs/tiny_vae.yaml" for the run tiny_vae where that file lies beside `file`.
std::string train_vae_command(const fs::path& vae_run, const fs::path& file) {
  const auto beside = file.parent_path() / (vae_run.filename().string() + ".yaml");
  return command("train " + (fs::exists(beside) ? shell_word(beside.string()) : "CONFIG"));
}

[[noreturn]] void refuse_setting(const std::string& path, const std::string& ours,
                                 const std::string& of_what, const std::string& theirs,
                                 const std::string& way_out) {
  throw Error(path, " is ", ours, ", but ", of_what, " ", theirs, ". Leave it out of the config",
              way_out, ".");
}

// Whether both name one folder of a dataset's sources, as far as that can be seen: one of them may
// be gone, or have been relative to another working folder.
bool may_be_same_place(const std::string& ours, const std::string& theirs) {
  std::error_code ignored;
  return ours.empty() == theirs.empty() &&
         (!fs::path(theirs).is_absolute() || !fs::exists(ours, ignored) ||
          fs::equivalent(ours, theirs, ignored) ||
          fs::absolute(ours).lexically_normal() == fs::path(theirs).lexically_normal());
}

void take_data_settings(const config::Binding& binding, const data::DatasetSettings& dataset,
                        RunConfig& config) {
  const std::string prefix = "data.";
  RunConfig theirs;
  theirs.data = *dataset.made_by;
  const auto their_binding = config::bind(theirs);
  for (size_t i = 0; i < binding.settings.size(); ++i) {
    const auto& setting = binding.settings[i];
    const auto& their_setting = their_binding.settings[i];
    if (!setting.path.starts_with(prefix) || setting.path == "data.path" ||
        setting.path == "data.max_components" || !setting.assigned ||
        !theirs.data.source.unchosen_owner(setting.path.substr(prefix.size())).empty()) {
      continue;
    }
    const auto our_text = config::yaml_text(setting), their_text = config::yaml_text(their_setting);
    const bool same = setting.texts.is_place
                          ? may_be_same_place(*std::get<std::string*>(setting.variable),
                                              *std::get<std::string*>(their_setting.variable))
                          : our_text == their_text;
    if (!same) {
      refuse_setting(setting.path, our_text,
                     "the dataset " + config.data.path + " was prepared with", their_text,
                     ", or prepare another dataset (data.path) with it");
    }
  }
  theirs.data.path = config.data.path;
  if (binding.is_assigned("data.max_components")) {
    theirs.data.max_components = config.data.max_components;
  }
  config.data = theirs.data;
}

bool uses_vae_run(const RunConfig& config) {
  return config.stage == Stage::kDit && !config.vae_run.empty();
}

void require_settings_of_vae(const config::Binding& binding, const RunConfig& config) {
  for (const auto& [path, ours, theirs, may_change] :
       config::differences(config, load_run(config.vae_run))) {
    if (path.starts_with("vae.") && binding.is_assigned(path)) {
      refuse_setting(path, ours, "the VAE of vae_run " + config.vae_run + " has", theirs,
                     ", or name another vae_run");
    }
  }
}

// TripoSG's model makes one component: trained on more, it could not be evaluated.
void require_ids(const data::DatasetSettings& dataset, const RunConfig& config) {
  if (config.stage == Stage::kDit && config.dit.codebook_size == 0 && dataset.most_components > 1 &&
      config.dit.global_attention == dit::GlobalAttentionKind::kNone) {
    throw Error(
        "dit.codebook_size is 0 and dit.global_attention none: such a model makes one component, "
        "but the asset ",
        dataset.largest_asset, " of the dataset ", config.data.path, " has ",
        dataset.most_components,
        ". Give the components ids (dit.codebook_size, at least as many), or train on assets of "
        "one component.");
  }
}

void require_size_of_one(const config::Binding& binding, const std::string& weights,
                         const std::string& section, const std::vector<std::string>& names) {
  const bool is_set = std::ranges::any_of(
      names, [&](const std::string& name) { return binding.is_assigned(section + "." + name); });
  if (is_set || !weights.empty()) {
    return;
  }
  const auto example = joined(names, " ", [&](const std::string& name) {
    const auto path = section + "." + name;
    return path + "=" +
           config::yaml_text(*std::ranges::find(binding.settings, path, &config::Setting::path));
  });
  throw Error("none of ", section, ".", joined(names, ", " + section + "."),
              " is set. Their defaults (", example,
              ") are the sizes of public weights, which pretrained.", section,
              " would name. Is `base:` missing in the config? To train a model of these sizes from "
              "nothing, set one of them.");
}

}  // namespace

void require_inputs(const RunConfig& config, const fs::path& file,
                    const std::vector<std::string>& overrides) {
  const auto& path = config.data.path;
  if (!path.empty() && !fs::exists(fs::path(path) / "index.json")) {
    throw Error("no prepared dataset at ", path, place_of(path),
                " (index.json is missing). Make it: ", prepare_command(file, overrides),
                ". Or name another: data.path=FOLDER.");
  }
  const auto& vae = config.vae_run;
  if (config.stage == Stage::kDit && !vae.empty() && !fs::exists(fs::path(vae) / "config.yaml")) {
    throw Error("no run at ", vae, place_of(vae),
                " (config.yaml is missing). Train the VAE: ", train_vae_command(vae, file),
                ". Or name another: vae_run=FOLDER.");
  }
}

RunConfig defaults_of_inputs(const RunConfig& written) {
  RunConfig defaults;
  if (uses_vae_run(written)) {
    const auto vae = load_run(written.vae_run);
    defaults.vae = vae.vae;
    defaults.vae_training = vae.vae_training;
  }
  return defaults;
}

void take_settings_of_inputs(const config::Binding& binding, RunConfig& config) {
  if (!config.data.path.empty()) {
    const auto dataset = data::read_dataset_settings(config.data.path);
    if (dataset.made_by) {
      take_data_settings(binding, dataset, config);
    }
    if (dataset.most_components > config.data.max_components) {
      throw Error("data.max_components is ", config.data.max_components, ", but the asset ",
                  dataset.largest_asset, " of the dataset ", config.data.path, " has ",
                  dataset.most_components,
                  " components. Set it to that, or prepare a dataset (data.path) with it.");
    }
    require_ids(dataset, config);
    const auto& encoder = config.image_encoder;
    if (config.stage == Stage::kDit && binding.is_assigned("image_encoder.image_size") &&
        encoder.image_size != dataset.image_size) {
      refuse_setting("image_encoder.image_size", std::to_string(encoder.image_size),
                     "the images of the dataset " + config.data.path + " have a side of",
                     std::to_string(dataset.image_size),
                     ", or prepare another dataset (data.path) with data.views.image_size=" +
                         std::to_string(encoder.image_size));
    }
    config.data.views.image_size = dataset.image_size;
  }
  if (uses_vae_run(config)) {
    require_settings_of_vae(binding, config);
  }
}

void require_sizes(const config::Binding& binding, const RunConfig& config) {
  const auto& from = config.pretrained;
  if (config.stage == Stage::kVae) {
    require_size_of_one(binding, from.vae, "vae", {"width_encoder", "width_decoder"});
    return;
  }
  require_size_of_one(binding, from.dit, "dit", {"width", "num_layers"});
  require_size_of_one(binding, from.image_encoder, "image_encoder", {"width", "num_layers"});
}

}  // namespace moca::experiment
