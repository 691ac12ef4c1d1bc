#include "moca/experiment/train_run.h"

#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/program.h"
#include "moca/core/random.h"
#include "moca/core/text.h"
#include "moca/core/threads.h"
#include "moca/experiment/models.h"
#include "moca/ops/device.h"
#include "moca/pretrained/load_pretrained.h"
#include "moca/training/batches.h"
#include "moca/training/dit_training.h"
#include "moca/training/dry_run.h"
#include "moca/training/parameter_groups.h"
#include "moca/training/stage.h"
#include "moca/training/vae_training.h"
#include "run_devices.h"
#include "run_folder.h"
#include "validation.h"

namespace moca::experiment {
namespace {

training::BatchSetup batches_of(const RunConfig& config, const distributed::ProcessGroup& group) {
  const auto& settings = config.training;
  return {.rule = {settings.micro_batches, settings.batch_size,
                   config.stage == Stage::kDit ? config.dit_training.max_components : 0},
          .share = training::share_of(group.rank(), group.size(), settings),
          .num_threads = settings.loader_threads,
          .seed = stream_seed(config.seed, "training")};
}

// A stage, and how its model is scored on the way.
struct ScoredStage {
  std::unique_ptr<training::Stage> stage;
  training::Validation validation;
};

ScoredStage make_stage(const RunConfig& config,
                       const std::shared_ptr<const data::PreparedDataset>& dataset,
                       const training::BatchSetup& batches, c10::Device device) {
  // Modules initialise themselves from the default generator.
  torch::manual_seed(stream_seed(config.seed, "initial weights"));
  ScoredStage made;
  if (config.stage == Stage::kVae) {
    vae::VecsetVae vae(config.vae);
    if (!config.pretrained.vae.empty()) {
      pretrained::load_vae_weights(vae, config.pretrained.vae);
    }
    vae->to(device);
    made = {training::vae_stage(vae, dataset, config.vae_training, batches),
            validation_of(config, dataset, vae, nullptr)};
  } else {
    const auto vae = vae_of(config, device);
    auto denoiser = initial_denoiser(config, vae->config().latent_channels);
    denoiser->to(device);
    made = {training::dit_stage({denoiser, vae, dataset, config.dit_training, config.flow, batches,
                                 /*measure_latents=*/config.pretrained.vae.empty()}),
            validation_of(config, dataset, vae, denoiser)};
  }
  training::freeze(made.stage->model(), config.training.optimizer);
  return made;
}

std::shared_ptr<const data::PreparedDataset> dataset_to_train_on(const std::string& path) {
  auto dataset = std::make_shared<const data::PreparedDataset>(path);
  if (dataset->indices_of("train").empty()) {
    throw Error(
        "the dataset ", path, " is for evaluation only: none of its ", dataset->records().size(),
        " assets is in the split train. Name one to train on (data.path), or evaluate a run on "
        "it: ",
        command("evaluate RUN data.path=" + shell_word(path) + " --accept-changed-data"), ".");
  }
  return dataset;
}

void describe(const torch::nn::Module& model, const data::PreparedDataset& dataset,
              const distributed::ProcessGroup& group) {
  int64_t parameters = 0;
  for (const auto& parameter : training::trainable_parameters(model)) {
    parameters += parameter.numel();
  }
  log::info(formatted("%.2f M trainable parameters, %zu assets to train on",
                      static_cast<double>(parameters) / 1e6, dataset.indices_of("train").size()));
  if (!group.alone()) {
    log::info(std::to_string(group.size()) + " processes train together");
  }
}

void set_threads(const training::TrainingConfig& config, const distributed::Launch& launch) {
  require_threads("training.num_threads", config.num_threads);
  require_threads("training.loader_threads", config.loader_threads);
  ops::use_threads(config.num_threads, launch.local_world_size);
}

// Whether the run goes on: because its user says so, or because the launcher starts its processes
// again. What the first rank sees of the run folder holds for all.
bool is_resumed(const std::filesystem::path& run_folder, bool asked,
                const distributed::Launch& launch, distributed::ProcessGroup& group) {
  const bool again = launch.restart_count > 0 && std::filesystem::exists(run_folder);
  return group.sum({group.is_first() && (asked || again) ? 1.0 : 0.0}, "whether to resume")[0] > 0;
}

void set_determinism(const training::TrainingConfig& config, c10::Device device) {
  ops::use_deterministic_algorithms(config.deterministic && !device.is_cpu());
}

}  // namespace

std::string dry_run(const RunConfig& config) {
  const auto device = ops::select_and_log_device(config.device);
  set_threads(config.training, {});
  set_determinism(config.training, device);
  distributed::ProcessGroup alone;
  if (std::filesystem::exists(config.folder())) {
    log::warn("the run folder " + config.folder().string() +
              " exists already: training needs --resume, or another name=...");
  }
  const auto dataset = dataset_to_train_on(config.data.path);
  const auto batches = batches_of(config, alone);
  const auto [stage, validation] = make_stage(config, dataset, batches, device);
  return training::text_of(training::dry_run(*stage, config.training, batches.share, device),
                           config.training, device);
}

training::StopReason train_run(const RunConfig& config, Resume resume,
                               const distributed::Launch& launch) {
  const auto chosen =
      ops::select_device(config.device, {launch.local_rank, launch.local_world_size});
  const auto device = chosen.device;
  set_threads(config.training, launch);
  set_determinism(config.training, device);
  const auto time_limit =
      std::chrono::seconds(static_cast<int64_t>(std::max(config.training.hang_seconds, 1.0)));
  distributed::ProcessGroup group(launch, device, time_limit);
  if (!group.is_first()) {
    log::speak_as_rank(group.rank());
  }
  // They are there until the processes have ended together.
  ScoredStage scored;
  std::optional<log::File> log_file;
  std::unique_ptr<training::Trainer> trainer;
  auto reason = training::StopReason::kFinished;
  distributed::end_together(group, [&] {
    check_same_everywhere(group, config);
    const auto devices = lines_of_devices(group, chosen);
    resume.asked = is_resumed(config.folder(), resume.asked, launch, group);
    const auto dataset = dataset_to_train_on(config.data.path);
    // Before the folder: its mistakes leave nothing behind.
    scored = make_stage(config, dataset, batches_of(config, group), device);
    log_file.emplace(open_run_folder(config, resume, group, chosen));
    log_devices(devices);
    describe(scored.stage->model(), *dataset, group);
    trainer = std::make_unique<training::Trainer>(
        *scored.stage, config.training, training::TrainingPlace{group, device, config.folder()},
        scored.validation);
    if (resume.asked) {
      trainer->resume();
    }
    reason = trainer->train();
  });
  log::info("checkpoints in " + (config.folder() / "checkpoints").string());
  return reason;
}

}  // namespace moca::experiment
