#include "moca/experiment/train_run.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <memory>
#include <string>

#include "moca/core/logging.h"
#include "moca/core/random.h"
#include "moca/experiment/models.h"
#include "moca/experiment/run_folder.h"
#include "moca/ops/device.h"
#include "moca/pretrained/load_pretrained.h"
#include "moca/training/dit_training.h"
#include "moca/training/vae_training.h"

namespace moca::experiment {
namespace {

training::TrainingTask make_task(const RunConfig& config,
                                 const std::shared_ptr<const data::PreparedDataset>& dataset,
                                 c10::Device device) {
  // Modules initialise themselves from the default generator.
  torch::manual_seed(stream_seed(config.seed, "initial weights"));
  const auto seed = stream_seed(config.seed, "training");
  if (config.stage == Stage::kVae) {
    vae::VecsetVae vae(config.vae);
    if (!config.pretrained.vae.empty()) {
      pretrained::load_vae_weights(vae, config.pretrained.vae);
    }
    vae->to(device);
    return training::vae_training(vae, dataset, config.vae_training, config.training.batch_size,
                                  seed);
  }
  training::DitTrainingSetup setup;
  setup.vae = vae_of(config, device);
  setup.denoiser = initial_denoiser(config, setup.vae->config().latent_channels);
  setup.measure_latents = config.pretrained.vae.empty();
  setup.denoiser->to(device);
  setup.dataset = dataset;
  setup.config = config.dit_training;
  setup.flow = config.flow;
  setup.num_surface_points = config.vae_training.num_surface_points;
  setup.batch_size = config.training.batch_size;
  setup.seed = seed;
  return training::dit_training(setup);
}

void describe(const training::TrainingTask& task, const data::PreparedDataset& dataset) {
  int64_t parameters = 0;
  for (const auto& parameter : task.model->parameters()) {
    parameters += parameter.requires_grad() ? parameter.numel() : 0;
  }
  char text[128];
  std::snprintf(text, sizeof(text), "%.2f M trainable parameters, %lld assets to train on",
                static_cast<double>(parameters) / 1e6,
                static_cast<long long>(dataset.indices_of("train").size()));
  log::info(text);
}

}  // namespace

training::StopReason train_run(const RunConfig& config, bool resume) {
  const auto device = ops::select_device(config.device);
  if (config.training.num_threads > 0) {
    at::set_num_threads(static_cast<int>(config.training.num_threads));
  }
  const auto dataset = std::make_shared<const data::PreparedDataset>(config.data.path);
  auto task =
      make_task(config, dataset, device);  // before the folder: its mistakes leave nothing behind
  open_run_folder(config, resume);
  describe(task, *dataset);
  training::Trainer trainer(task, config.training, device, config.folder());
  if (resume) {
    trainer.resume();
  }
  const auto reason = trainer.train();
  log::info("checkpoints in " + (config.folder() / "checkpoints").string());
  return reason;
}

}  // namespace moca::experiment
