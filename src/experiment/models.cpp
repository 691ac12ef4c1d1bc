#include "moca/experiment/models.h"

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"

namespace moca::experiment {
namespace {

void load_averaged(torch::nn::Module& module, const std::filesystem::path& run_folder) {
  const auto checkpoints = run_folder / "checkpoints";
  const auto step = checkpoint::latest_step(checkpoints);
  if (!step) {
    throw Error("the run " + run_folder.string() +
                " holds no checkpoint. Train it: moca train CONFIG.");
  }
  const auto file = checkpoint::step_folder(checkpoints, *step) / "ema.safetensors";
  checkpoint::load_state(module, checkpoint::SafetensorsFile(file));
  log::info("loaded " + file.string());
}

}  // namespace

vae::VecsetVae load_vae(const std::filesystem::path& run_folder, c10::Device device) {
  const auto config = load_run(run_folder);
  if (config.stage != Stage::kVae) {
    throw Error("the run " + run_folder.string() +
                " is of stage dit, a VAE is needed: name a run of stage vae.");
  }
  vae::VecsetVae vae(config.vae);
  load_averaged(*vae, run_folder);
  vae->to(device);
  vae->eval();
  for (auto& parameter : vae->parameters()) {
    parameter.set_requires_grad(false);
  }
  return vae;
}

generation::ComponentGenerator load_generator(const RunConfig& config, c10::Device device) {
  if (config.stage != Stage::kDit) {
    throw Error("the run " + config.folder().string() +
                " is of stage vae and cannot generate: name a run of stage dit.");
  }
  auto vae = load_vae(config.vae_run, device);
  generation::ComponentDenoiser denoiser(config.dit, config.image_encoder,
                                         vae->config().latent_channels);
  load_averaged(*denoiser, config.folder());
  denoiser->to(device);
  return {denoiser, vae, config.sampler, config.decoder,
          config.training.precision == training::Precision::kBf16};
}

}  // namespace moca::experiment
