#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "moca/core/error.h"
#include "moca/distributed/gradient_sync.h"
#include "moca/distributed/process_group.h"
#include "moca/training/averaged_weights.h"
#include "moca/training/optimizer.h"
#include "moca/training/stage.h"
#include "moca/training/training_config.h"

namespace moca::training {

class BadSteps;
class Profile;
class RunCheckpoints;
class StepMetrics;
class StepPhase;
class StopDecision;
struct MicroBatchLoss;
struct StepStats;

enum class StopReason { kFinished, kInterrupted, kOutOfTime };

// An operation failed, such as an allocation: where and with what data. The last checkpoint is
// good.
class TrainingFailure : public RunFailed {
 public:
  using RunFailed::RunFailed;
};

// Which processes train, and where.
struct TrainingPlace {
  distributed::ProcessGroup& group;
  c10::Device device;
  std::filesystem::path run_folder;
};

// Scores of the model as it is, for the first rank to record.
using Validation = std::function<NamedValues()>;

// The training loop: steps, metrics, checkpoints, until max_steps, a signal or the time limit. All
// ranks of the group run it together; they agree at every step on whether to go on.
class Trainer {
 public:
  // The stage must outlive it. `validation` may be null.
  Trainer(Stage& stage, const TrainingConfig& config, const TrainingPlace& place,
          Validation validation = nullptr);
  ~Trainer();

  // Continues from the newest good checkpoint of the run folder, or from the beginning where there
  // is none yet.
  void resume();

  // Throws TrainingFailure where an operation fails.
  StopReason train();

 private:
  void take_steps();
  std::optional<StepStats> train_step();
  MicroBatchLoss loss_and_gradients(MicroBatch batch);
  double sum_of(const std::vector<MicroBatchLoss>& losses) const;
  bool agree_to_stop();
  void validate();
  void save(bool last);

  Stage& stage_;
  TrainingConfig config_;
  distributed::ProcessGroup& group_;
  c10::Device device_;
  Validation validation_;
  MicroBatchShare share_;
  ParameterShards shards_;
  Optimizer optimizer_;
  AveragedWeights ema_;
  distributed::GradientSync gradients_;
  std::unique_ptr<RunCheckpoints> checkpoints_;
  std::unique_ptr<StepPhase> phase_;
  std::unique_ptr<StepMetrics> metrics_;
  std::unique_ptr<StopDecision> stop_;
  std::unique_ptr<BadSteps> bad_steps_;
  std::unique_ptr<Profile> profile_;
  int64_t step_ = 0;
};

}  // namespace moca::training
