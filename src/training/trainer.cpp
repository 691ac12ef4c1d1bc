#include "moca/training/trainer.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/progress.h"
#include "moca/nn/autocast.h"

namespace moca::training {
namespace {

// Steps in a row without a finite loss after which a run stops.
constexpr int kMaxBadSteps = 10;

std::string note_of(const StepStats& stats) {
  char text[64];
  std::snprintf(text, sizeof(text), "loss %.4f", stats.loss);
  return text;
}

bool finite(const StepStats& stats) {
  return std::isfinite(stats.loss) && std::isfinite(stats.gradient_norm);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(TrainingTask task, const TrainingConfig& config, c10::Device device,
                 const std::filesystem::path& run_folder)
    : task_(std::move(task)),
      config_(config),
      device_(device),
      checkpoints_(run_folder / "checkpoints"),
      optimizer_(*task_.model, config.optimizer),
      ema_(*task_.model, config.ema_decay),
      metrics_file_(run_folder / "metrics.jsonl"),
      start_(std::chrono::steady_clock::now()) {
  checkpoint::remove_unfinished(checkpoints_);
}

void Trainer::resume() {
  const auto step = checkpoint::latest_step(checkpoints_);
  if (!step) {
    throw Error("nothing to resume: " + checkpoints_.string() +
                " holds no checkpoint. Start the run without --resume.");
  }
  const auto folder = checkpoint::step_folder(checkpoints_, *step);
  checkpoint::load_state(*task_.model, checkpoint::Weights(folder / "model.safetensors"));
  ema_.load(checkpoint::Weights(folder / "ema.safetensors"));
  optimizer_.load(checkpoint::Weights(folder / "optimizer.safetensors"));
  read_state(folder / "state.json");
  log::info("resumed from " + folder.string());
}

void Trainer::read_state(const std::filesystem::path& file) {
  try {
    const auto state = nlohmann::json::parse(read_file(file));
    step_ = state.at("step");
    seconds_before_ = state.at("seconds");
  } catch (const nlohmann::json::exception&) {
    throw Error(file.string() + " is broken. Remove the folder " + file.parent_path().string() +
                " to resume from the checkpoint before it.");
  }
}

StopReason Trainer::train() {
  metrics_ = std::make_unique<MetricsLog>(metrics_file_, step_);
  Progress progress("train", config_.max_steps, "step", step_);
  int bad_steps = 0;
  while (step_ < config_.max_steps && !interrupted() && !out_of_time()) {
    const StepStats stats = train_step();
    ++step_;
    record(stats);
    progress.update(step_, note_of(stats));
    bad_steps = finite(stats) ? 0 : bad_steps + 1;
    if (bad_steps == kMaxBadSteps) {
      throw Error("stopped at step " + std::to_string(step_) +
                  ": the loss or gradient was not finite for " + std::to_string(kMaxBadSteps) +
                  " steps in a row. Lower optimizer.learning_rate and "
                  "continue from the last checkpoint in " +
                  checkpoints_.string() + " with --resume.");
    }
    if (due(config_.checkpoint_every)) {
      save();
    }
  }
  save();
  if (interrupted()) {
    return StopReason::kInterrupted;
  }
  return step_ < config_.max_steps ? StopReason::kOutOfTime : StopReason::kFinished;
}

StepStats Trainer::train_step() {
  StepStats stats;
  stats.learning_rate = learning_rate_at(config_.optimizer, step_, config_.max_steps);
  task_.model->train();
  optimizer_.zero_gradients();
  {
    const nn::Autocast autocast(device_, config_.precision == Precision::kBf16);
    const auto loss = task_.loss(step_);
    stats.loss = loss.item<double>();
    loss.backward();
  }
  // A gradient can be finite where the loss is not; it is not followed.
  stats.gradient_norm = std::isfinite(stats.loss) ? optimizer_.step(stats.learning_rate)
                                                  : std::numeric_limits<double>::quiet_NaN();
  if (!finite(stats)) {
    log::warn("step " + std::to_string(step_) + " skipped: loss " + std::to_string(stats.loss) +
              ", gradient norm " + std::to_string(stats.gradient_norm));
    return stats;
  }
  ema_.update(step_);
  return stats;
}

void Trainer::record(const StepStats& stats) {
  if (!due(config_.log_every) && step_ != config_.max_steps) {
    return;
  }
  metrics_->record(step_, {{"loss", stats.loss},
                           {"gradient_norm", stats.gradient_norm},
                           {"learning_rate", stats.learning_rate},
                           {"minutes", (seconds_before_ + seconds_since(start_)) / 60.0}});
}

void Trainer::save() {
  const nlohmann::ordered_json state = {{"step", step_},
                                        {"seconds", seconds_before_ + seconds_since(start_)}};
  checkpoint::write_checkpoint(checkpoints_, step_,
                               {{"model.safetensors", checkpoint::state_of(*task_.model)},
                                {"ema.safetensors", ema_.state()},
                                {"optimizer.safetensors", optimizer_.state()}},
                               state.dump(1) + "\n", config_.keep_checkpoints);
}

bool Trainer::out_of_time() const {
  return config_.max_minutes > 0 &&
         seconds_before_ + seconds_since(start_) > 60.0 * config_.max_minutes;
}

}  // namespace moca::training
