#include "moca/experiment/models.h"

#include <ATen/ATen.h>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/module_state.h"
#include "moca/checkpoint/write_checkpoint.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/program.h"
#include "moca/dit/dense_tokens.h"
#include "moca/generation/image_conditioner.h"
#include "moca/nn/default_type.h"
#include "moca/nn/lora.h"
#include "moca/pretrained/hugging_face_config.h"
#include "moca/pretrained/hugging_face_folder.h"
#include "moca/pretrained/load_pretrained.h"
#include "moca/pretrained/lora_adapter.h"
#include "moca/pretrained/sampling_description.h"

namespace moca::experiment {
namespace {

void load_averaged(torch::nn::Module& module, const std::filesystem::path& run_folder) {
  const auto checkpoints = run_folder / "checkpoints";
  const auto step = checkpoint::latest_good_step(checkpoints);
  if (!step) {
    throw Error("the run ", run_folder, " holds no checkpoint. Train it: ",
                command("train " + shell_word((run_folder / "config.yaml").string()) + " --resume"),
                ".");
  }
  const auto file =
      checkpoint::weights_file(checkpoint::step_folder(checkpoints, *step), "ema.safetensors");
  checkpoint::load_state(module, checkpoint::Weights(file));
  log::info("loaded " + file.string());
}

void freeze(torch::nn::Module& module, c10::Device device) {
  module.to(device);
  module.eval();
  for (auto& parameter : module.parameters()) {
    parameter.set_requires_grad(false);
  }
}

vae::VecsetVae pretrained_vae(const vae::VaeConfig& config, const std::string& folder,
                              c10::Device device) {
  vae::VecsetVae vae(config);
  pretrained::load_vae_weights(vae, folder);
  freeze(*vae, device);
  return vae;
}

// The statistics a pretrained VAE's folder names; TripoSG's names none.
void set_pretrained_statistics(const std::string& folder, vae::LatentStatistics statistics) {
  const auto description = pretrained::describe_vae(folder);
  if (!description.latents_mean.empty()) {
    statistics->set(at::tensor(description.latents_mean, at::kFloat),
                    at::tensor(description.latents_std, at::kFloat));
  }
}

void merge_lora_folder(torch::nn::Module& module, const std::string& folder) {
  if (!folder.empty()) {
    pretrained::load_lora(module, folder);
    nn::merge_lora(module);
  }
}

image_encoder::PreprocessConfig preprocess_of(const std::filesystem::path& folder) {
  using pretrained::Part;
  if (!pretrained::has_part(folder, Part::kPreprocessor)) {
    return {};
  }
  return pretrained::read_preprocessor_config(pretrained::part_folder(folder, Part::kPreprocessor) /
                                              config_name(Part::kPreprocessor));
}

}  // namespace

vae::VecsetVae load_vae(const std::filesystem::path& run_folder, c10::Device device) {
  const auto config = load_run(run_folder);
  if (config.stage != Stage::kVae) {
    throw Error("the run ", run_folder,
                " is of stage dit, a VAE is needed: name a run of stage vae.");
  }
  vae::VecsetVae vae(config.vae);
  load_averaged(*vae, run_folder);
  freeze(*vae, device);
  return vae;
}

vae::VecsetVae vae_of(const RunConfig& config, c10::Device device) {
  if (config.stage == Stage::kVae) {
    return load_vae(config.folder(), device);
  }
  require_sound_slope(config.decoder, field_of_vae(config), "");
  auto vae = config.pretrained.vae.empty()
                 ? load_vae(config.vae_run, device)
                 : pretrained_vae(config.vae, config.pretrained.vae, device);
  if (config.dit.dense_tokens == dit::DenseTokens::kSamePairs) {
    const int64_t of_moc = vae->config().num_tokens, N = config.data.max_components;
    const int64_t tokens = dit::dense_tokens_of_same_pairs(config.dit, of_moc, N);
    log::info("dense attention gets " + std::to_string(tokens) + " instead of " +
              std::to_string(of_moc) + " tokens of a component: as many pairs as MoC between " +
              std::to_string(N) + " components");
    vae->set_num_tokens(tokens);
  }
  return vae;
}

generation::ComponentDenoiser initial_denoiser(const RunConfig& config, int64_t latent_channels) {
  const auto& from = config.pretrained;
  generation::ComponentDenoiser denoiser(config.dit, config.image_encoder, latent_channels,
                                         generation::make_conditioners(config.condition));
  auto dit = denoiser->dit();
  auto image_encoder = denoiser->image_encoder();
  if (!from.dit.empty()) {
    pretrained::load_dit_weights(dit, from.dit);
  }
  if (!from.image_encoder.empty()) {
    pretrained::load_image_encoder_weights(image_encoder, from.image_encoder, from.inflation);
  }
  merge_lora_folder(*dit, from.dit_lora);
  merge_lora_folder(*image_encoder, from.image_encoder_lora);
  if (!from.vae.empty()) {
    set_pretrained_statistics(from.vae, denoiser->latent_statistics());
  }
  generation::attach_adapter(denoiser, config.adapter);
  return denoiser;
}

generation::ComponentDenoiser load_denoiser(const RunConfig& config, int64_t latent_channels) {
  if (config.stage != Stage::kDit) {
    throw Error("the run ", config.folder(),
                " is of stage vae and cannot generate: name a run of stage dit.");
  }
  generation::ComponentDenoiser denoiser(config.dit, config.image_encoder, latent_channels,
                                         generation::make_conditioners(config.condition));
  generation::attach_adapter(denoiser, config.adapter);
  load_averaged(*denoiser, config.folder());
  return denoiser;
}

generation::ComponentGenerator load_generator(const RunConfig& config, c10::Device device) {
  auto vae = vae_of(config, device);
  auto denoiser = load_denoiser(config, vae->config().latent_channels);
  denoiser->to(device);
  return {denoiser, vae, config.sampler, config.decoder, config.training.uses_bf16()};
}

generation::ComponentGenerator load_pretrained_generator(const RunConfig& config,
                                                         std::optional<at::ScalarType> type,
                                                         c10::Device device) {
  using generation::ComponentIds;
  const auto stored = pretrained::read_sampling(config.pretrained.dit);
  const auto sampling = stored.value_or(pretrained::SamplingDescription{
      {}, ComponentIds::kPartCrafter, pretrained::Preprocessing::kDinov2});
  const bool use_bf16 = stored && !type && config.training.uses_bf16();
  auto sampler = config.sampler;
  if (sampling.component_ids == ComponentIds::kPartCrafter && sampler.guidance_scale < 1.0) {
    log::warn("sampler.guidance_scale below 1 is none (1), as in PartCrafter's pipeline");
    sampler.guidance_scale = 1.0;
  }
  const nn::DefaultType weights_in(type.value_or(at::kFloat));
  pretrained::require_whole_dit(config.dit, config.pretrained.dit);
  auto vae = pretrained_vae(config.vae, config.pretrained.vae, device);
  auto denoiser = initial_denoiser(config, config.vae.latent_channels);
  freeze(*denoiser, device);
  if (sampling.preprocessing == pretrained::Preprocessing::kDinov2) {
    denoiser->image().set_preprocess(preprocess_of(config.pretrained.image_encoder));
  }
  return {denoiser, vae, sampler, config.decoder, use_bf16, sampling.component_ids};
}

}  // namespace moca::experiment
