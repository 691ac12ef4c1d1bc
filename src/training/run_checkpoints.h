#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <optional>
#include <string>

#include "moca/checkpoint/checkpoint_writer.h"
#include "moca/distributed/process_group.h"
#include "moca/training/averaged_weights.h"
#include "moca/training/optimizer.h"
#include "moca/training/training_config.h"

namespace moca::training {

// What a run is made of besides its data and random numbers, which follow from the step.
struct RunState {
  torch::nn::Module& model;
  AveragedWeights& ema;
  Optimizer& optimizer;
};

// How far a run has come.
struct RunProgress {
  int64_t step = 0;
  double seconds = 0;
};

// A run's checkpoints: all ranks save and resume together.
class RunCheckpoints {
 public:
  RunCheckpoints(const std::filesystem::path& run_folder, const TrainingConfig& config,
                 distributed::ProcessGroup& group, RunState state);

  // Loads the newest good one; nothing where there is none yet.
  std::optional<RunProgress> resume();

  // Takes the memory that saving needs, beside the first steps.
  void reserve_memory();
  // Whether a checkpoint is to be written after `step`: since an interval ended, until one is
  // saved. To be asked after every step.
  bool is_due(int64_t step);
  // All learn whether those that write could. Training goes on without a checkpoint that could not
  // be written, but does not end without the last one.
  void save(const RunProgress& progress, bool last);
  // Throws Error for weights that are not finite, which must not replace a good checkpoint.
  void check_weights(int64_t step) const;

 private:
  bool writes() const;
  checkpoint::CheckpointContent content(const RunProgress& progress) const;
  std::string try_to_save(const RunProgress& progress, bool last);

  std::filesystem::path folder_;
  const TrainingConfig& config_;
  distributed::ProcessGroup& group_;
  RunState state_;
  checkpoint::CheckpointWriter writer_;
  bool is_due_ = false;
};

}  // namespace moca::training
