#pragma once

#include <torch/nn/module.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "moca/training/averaged_weights.h"
#include "moca/training/metrics_log.h"
#include "moca/training/optimizer.h"
#include "moca/training/training_config.h"

namespace moca::training {

// What is trained. The loss of a step depends on the step and the parameters alone: data and random
// numbers come from streams named by the step.
struct TrainingTask {
  std::shared_ptr<torch::nn::Module> model;
  std::function<at::Tensor(int64_t step)> loss;
};

struct StepStats {
  double loss = 0;
  double gradient_norm = 0;  // before clipping
  double learning_rate = 0;
};

enum class StopReason { kFinished, kInterrupted, kOutOfTime };

// The training loop: steps, metrics, checkpoints, until max_steps, a signal or the time limit.
class Trainer {
 public:
  Trainer(TrainingTask task, const TrainingConfig& config, c10::Device device,
          const std::filesystem::path& run_folder);

  // Continues from the newest checkpoint of the run folder. Throws Error when there is none.
  void resume();

  StopReason train();

 private:
  void read_state(const std::filesystem::path& file);
  StepStats train_step();
  void record(const StepStats& stats);
  void save();
  bool due(int64_t interval) const { return step_ % interval == 0; }
  bool out_of_time() const;

  TrainingTask task_;
  TrainingConfig config_;
  c10::Device device_;
  std::filesystem::path checkpoints_;
  Optimizer optimizer_;
  AveragedWeights ema_;
  std::filesystem::path metrics_file_;
  std::unique_ptr<MetricsLog> metrics_;
  int64_t step_ = 0;
  double seconds_before_ = 0;  // spent by the runs this one continues
  std::chrono::steady_clock::time_point start_;
};

}  // namespace moca::training
