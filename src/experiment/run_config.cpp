#include "moca/experiment/run_config.h"

#include <algorithm>

#include "exported_settings.h"
#include "moca/config/schema.h"
#include "moca/config/values.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/program.h"
#include "moca/experiment/run_paths.h"
#include "moca/pretrained/hugging_face_config.h"
#include "moca/pretrained/hugging_face_folder.h"
#include "moca/pretrained/load_pretrained.h"
#include "moca/pretrained/sampling_description.h"
#include "training_settings.h"

namespace moca::experiment {

namespace {

namespace fs = std::filesystem;

void require_tokens(const std::string& name, int64_t num_points, const std::string& prefix,
                    int64_t num_tokens) {
  if (num_points < num_tokens) {
    throw Error(prefix, name, " (", num_points, ") must be at least ", prefix, "vae.num_tokens (",
                num_tokens, "): every token begins at a surface point of its own.");
  }
}

// The sizes that pretrained folders ask for. Of a DiT that is everything two models must share;
// what is between components stays MoCA's.
RunConfig with_pretrained_sizes(const PretrainedConfig& from, RunConfig config) {
  if (!from.vae.empty()) {
    const auto own = std::exchange(config.vae, pretrained::describe_vae(from.vae).vae);
    config.vae.num_tokens = own.num_tokens;
    config.vae.num_surface_points = own.num_surface_points;
  }
  if (!from.dit.empty()) {
    const auto dit = pretrained::describe_dit(from.dit).dit;
    config.dit.width = dit.width;
    config.dit.num_heads = dit.num_heads;
    config.dit.num_layers = dit.num_layers;
    config.dit.global_blocks = dit.global_blocks;
  }
  if (!from.image_encoder.empty()) {
    const auto own =
        std::exchange(config.image_encoder, pretrained::describe_image_encoder(from.image_encoder));
    config.image_encoder.image_size = own.image_size;
  }
  return config;
}

// Public weights say nothing of the number of tokens, steps and guidance: what their own programs
// take (PartCrafter's for objects, TripoSG's).
void use_upstream_sampling(const fs::path& folder, RunConfig* config) {
  using pretrained::Part;
  const bool triposg = config->dit.global_attention == dit::GlobalAttentionKind::kNone;
  config->vae.num_tokens = triposg ? 2048 : 1024;
  config->sampler = flow::SamplerConfig();
  config->sampler.crop_to_foreground = true;
  config->decoder.coarse_resolution = 65;  // their fields are logits, steeper than max_slope
  if (pretrained::has_part(folder, Part::kScheduler)) {
    config->sampler.schedule =
        pretrained::read_scheduler_config(pretrained::part_folder(folder, Part::kScheduler) /
                                          pretrained::config_name(Part::kScheduler));
  }
  log::info(folder.string() + " does not say how to sample; unless overridden, as " +
            (triposg ? "TripoSG" : "PartCrafter") +
            " does: vae.num_tokens=" + std::to_string(config->vae.num_tokens) +
            " sampler.num_steps=" + std::to_string(config->sampler.num_steps) +
            " sampler.guidance_scale=" + config::format_number(config->sampler.guidance_scale) +
            " sampler.crop_to_foreground=true");
}

// Settings that follow others where the config leaves them out. Data alone may be prepared before
// the model's patches are chosen.
void follow_image_size(const config::Binding& binding, RunConfig& config, bool to_train) {
  auto& encoder = config.image_encoder;
  const bool is_multiple = config.data.views.image_size % encoder.patch_size == 0;
  if (config.stage != Stage::kDit || (!is_multiple && !to_train)) {
    return;
  }
  if (!binding.is_assigned("image_encoder.image_size")) {
    encoder.image_size = config.data.views.image_size;
    if (!is_multiple) {
      throw Error("image_encoder.image_size follows data.views.image_size (", encoder.image_size,
                  "), which must be a multiple of image_encoder.patch_size (", encoder.patch_size,
                  "). Set patch_size to a divisor of it, or prepare images of another size. Where "
                  "the config names neither, its `base:` may be missing.");
    }
  }
  if (!binding.is_assigned("image_encoder.position_grid") &&
      config.pretrained.image_encoder.empty()) {
    encoder.position_grid = encoder.image_size / encoder.patch_size;
  }
}

// The settings of a file, of a run's own config.yaml as the run lies now, with overrides on top.
void read(config::Binding& binding, const fs::path& file, const std::vector<std::string>& overrides,
          RunConfig& config) {
  config::read_file(binding, file);
  const auto folder = fs::absolute(file).parent_path();
  if (file.filename() == "config.yaml" && fs::exists(folder / "environment.json")) {
    follow_moved_run(folder, config);
  }
  config::apply_overrides(binding, overrides);
}

// A config as its file and overrides have it, unchecked.
RunConfig as_written(const fs::path& file, const std::vector<std::string>& overrides) {
  RunConfig config;
  auto binding = config::bind(config);
  binding.alternatives.clear();  // the second reading warns of overrides that are not read
  read(binding, file, overrides, config);
  return config;
}

}  // namespace

RunConfig load_config(const fs::path& file, const std::vector<std::string>& overrides,
                      bool to_train) {
  const auto written = as_written(file, overrides);
  RunConfig config;
  if (to_train) {
    require_inputs(written, file, overrides);
    config = defaults_of_inputs(written);
  }
  config = with_pretrained_sizes(written.pretrained, config);
  auto binding = config::bind(config);
  read(binding, file, overrides, config);
  if (config.name.empty()) {
    config.name = file.stem().string();
  }
  try {
    if (to_train) {
      take_settings_of_inputs(binding, config);
      require_sizes(binding, config);
    }
    follow_image_size(binding, config, to_train);
  } catch (const Error& mistake) {
    throw Error(file, ": ", mistake.what());
  }
  config::validate_all(binding, file.string());
  return config;
}

void EvaluationConfig::validate(const std::string& path) const {
  if (view_index != 0 && view != ViewRule::kFixed) {
    throw Error(path, ".view_index is ", view_index, ", but ", path, ".view is ",
                config::name_of(view), ", which does not use it: set ", path,
                ".view to fixed, or leave view_index out.");
  }
}

std::vector<config::RetiredSetting> RunConfig::retired() {
  return {{"decoder.band",
           "decoder.max_slope says how far from a surface is refined (1 / vae_training.truncation "
           "for distances)."},
          {"dit_training.lora", "adapter.kind: lora and the section adapter.lora."},
          {"vae_training.num_surface_points", "vae.num_surface_points."}};
}

void RunConfig::validate(const std::string& path) const {
  const auto prefix = path.empty() ? "" : path + ".";
  if (name == "." || name == ".." || name.find('/') != std::string::npos) {
    throw Error(prefix, "name (", name,
                ") names a folder inside runs_folder and must be a plain name, without '/'. Put "
                "runs elsewhere with runs_folder=FOLDER.");
  }
  if (stage == Stage::kDit && vae_run.empty() && pretrained.vae.empty()) {
    throw Error(prefix,
                "vae_run is empty: stage dit needs the folder of a run that trained the VAE, or ",
                "public weights in pretrained.vae.");
  }
  if (stage == Stage::kDit && !vae_run.empty() && !pretrained.vae.empty()) {
    throw Error(prefix, "vae_run (", vae_run, ") and ", prefix, "pretrained.vae (", pretrained.vae,
                ") both name a VAE: keep one of them.");
  }
  if (dit.codebook_size > 0 && data.max_components > dit.codebook_size) {
    throw Error(prefix, "data.max_components (", data.max_components, ") must be at most ", prefix,
                "dit.codebook_size (", dit.codebook_size,
                "): every component needs an id of its own.");
  }
  if (stage == Stage::kVae) {  // a DiT's decoder is held to the run of its VAE, see vae_of
    require_sound_slope(decoder, field_of_vae(*this), prefix);
    require_tokens("vae.num_surface_points", vae.num_surface_points, prefix, vae.num_tokens);
    require_tokens("data.num_surface_points", data.num_surface_points, prefix, vae.num_tokens);
  }
}

training::VaeTrainingConfig field_of_vae(const RunConfig& config) {
  auto field = config.vae_training;
  bool is_public = !config.pretrained.vae.empty();
  if (config.stage == Stage::kDit && !is_public) {
    const auto run = load_run(config.vae_run);
    field = run.vae_training;
    is_public = !run.pretrained.vae.empty();
  }
  field.target = is_public ? training::FieldTarget::kOccupancy : field.target;
  return field;
}

void require_sound_slope(const vae::DecoderConfig& decoder,
                         const training::VaeTrainingConfig& field, const std::string& prefix) {
  const double slope = 1.0 / field.truncation;
  if (field.target == training::FieldTarget::kDistance && decoder.max_slope > 0 &&
      decoder.max_slope < slope * (1 - 1e-6)) {
    throw Error(prefix, "decoder.max_slope (", config::format_number(decoder.max_slope),
                ") must be at least 1 / vae_training.truncation = ", config::format_number(slope),
                ", the slope of the VAE's field: with less, thin components are lost. 0 refines "
                "only where the sign changes.");
  }
}

RunConfig load_run(const fs::path& run_folder, const std::vector<std::string>& overrides) {
  const auto file = run_folder / "config.yaml";
  if (!fs::exists(file)) {
    throw Error("no run at ", run_folder,
                " (config.yaml is missing). Train one: ", command("train CONFIG"), ".");
  }
  RunConfig config;
  auto binding = config::bind(config);
  config::read_file(binding, file);
  follow_moved_run(run_folder, config);
  config::apply_overrides(binding, overrides);
  config::validate_all(binding, file.string());
  return config;
}

RunConfig pretrained_config(const fs::path& folder, const std::vector<std::string>& overrides) {
  using pretrained::Part;
  RunConfig config;
  config.name = folder.filename().string();
  config.data.path = folder.string();  // generating reads no dataset, but the setting wants a name
  config.pretrained.vae = config.pretrained.dit = config.pretrained.image_encoder = folder.string();
  config = with_pretrained_sizes(config.pretrained, config);
  config.dit = pretrained::describe_dit(folder).dit;
  if (config.dit.codebook_size > 0) {
    config.data.max_components = std::min(config.data.max_components, config.dit.codebook_size);
  }
  const auto sampling = pretrained::read_sampling(folder);
  const bool is_export = sampling.has_value();
  if (is_export) {
    apply_exported_settings(sampling->settings, folder, overrides, &config);
  } else {
    use_upstream_sampling(folder, &config);
  }
  auto binding = config::bind(config);
  config::apply_overrides(binding, overrides);
  config::validate_all(binding, folder.string());
  if (is_export) {
    require_sound_slope(config.decoder, config.vae_training, folder.string() + ": ");
  }
  return config;
}

}  // namespace moca::experiment
