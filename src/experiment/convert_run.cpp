#include "moca/experiment/convert_run.h"

#include "exported_settings.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/experiment/models.h"
#include "moca/experiment/run_paths.h"
#include "moca/generation/adapter.h"
#include "moca/generation/conditioner.h"
#include "moca/pretrained/write_pretrained.h"
#include "run_inputs.h"

namespace moca::experiment {
namespace {

// For upstream, which knows no `square` preprocessing: an image that was padded to a square on
// white and brought to the encoder's size passes unchanged.
image_encoder::PreprocessConfig preprocessing_of(int64_t image_size) {
  const auto size = static_cast<int>(image_size);
  return {.shortest_edge = size, .crop_width = size, .crop_height = size};
}

void require_image_alone(const RunConfig& config) {
  if (config.stage == Stage::kDit && !generation::make_conditioners(config.condition).empty()) {
    throw Error("the run ", config.folder(), " was trained with condition.kind ",
                config.condition.kind.name,
                ", which the layout of TripoSG and PartCrafter has no place for. Convert a run of "
                "condition.kind none.");
  }
}

}  // namespace

void convert_run(const RunConfig& config, const std::filesystem::path& output,
                 bool accept_changed_data) {
  require_new(output, "Remove it or name another.");
  require_image_alone(config);
  check_inputs(config, Inputs::kVae, accept_changed_data);
  for (const auto& [path, trained, now, may_change] :
       config::differences(load_run(config.folder()), config)) {
    log::warn("exported with " + path + "=" + now + "; the run has " + trained);
  }
  const auto vae = vae_of(config, at::kCPU);
  const int64_t latent_channels = vae->config().latent_channels;
  std::optional<pretrained::SamplingDescription> sampling;
  if (config.stage == Stage::kVae) {
    pretrained::write_vae(output, vae, vae::LatentStatistics(latent_channels));
  } else {
    auto denoiser = load_denoiser(config, latent_channels);
    generation::merge_adapter(denoiser, config.adapter);
    pretrained::write_vae(output, vae, denoiser->latent_statistics());
    pretrained::write_dit(output, denoiser->dit(), latent_channels, config.image_encoder.width);
    pretrained::write_image_encoder(output, denoiser->image_encoder());
    pretrained::write_scheduler(output, config.sampler.schedule);
    pretrained::write_preprocessor(output, preprocessing_of(config.image_encoder.image_size));
    RunConfig used = config;
    used.vae.num_tokens = vae->config().num_tokens;  // of the VAE's own run, or of dit.dense_tokens
    used.vae_training = field_of_vae(config);
    sampling.emplace().settings = exported_settings(used);
  }
  pretrained::write_model_index(output, sampling);
  log::info("wrote " + output.string());
}

}  // namespace moca::experiment
