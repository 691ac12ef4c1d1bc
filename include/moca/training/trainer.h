#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "moca/core/run_failed.h"
#include "moca/core/watchdog.h"
#include "moca/distributed/gradient_sync.h"
#include "moca/distributed/process_group.h"
#include "moca/training/averaged_weights.h"
#include "moca/training/metrics_log.h"
#include "moca/training/optimizer.h"
#include "moca/training/training_config.h"
#include "moca/training/training_task.h"

namespace moca::training {

class Profile;
class RunCheckpoints;
class Throughput;

struct StepStats {
  double loss = 0;           // of all ranks' micro-batches
  double gradient_norm = 0;  // before clipping
  double learning_rate = 0;
};

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

// The training loop: steps, metrics, checkpoints, until max_steps, a signal or the time limit. All
// ranks of the group run it together; they agree at every step on whether to go on.
class Trainer {
 public:
  Trainer(TrainingTask task, const TrainingConfig& config, const TrainingPlace& place);
  ~Trainer();

  // Continues from the newest good checkpoint of the run folder, or from the beginning where there
  // is none yet.
  void resume();

  // Throws TrainingFailure where an operation fails.
  StopReason train();

 private:
  void say_what_ends_it() const;
  void take_steps();
  std::optional<StepStats> train_step();
  void share_updated_weights();
  double loss_and_gradients(MicroBatch which);
  void wait_for_data(MicroBatch which);
  bool agree_to_stop();
  void enter(const std::string& phase);
  void count_bad_steps(const StepStats& stats);
  std::string contents_of_step(int64_t step) const;
  void record(const StepStats& stats);
  void validate();
  void save_if_due();
  void save(bool last);
  StopReason say_why_it_ended() const;
  [[noreturn]] void end_by_failure(const std::string& failure) const;
  bool due(int64_t interval) const { return step_ % interval == 0; }
  double seconds_spent() const;

  TrainingTask task_;
  TrainingConfig config_;
  distributed::ProcessGroup& group_;
  c10::Device device_;
  std::filesystem::path run_folder_;
  MicroBatchShare share_;
  ParameterShards shards_;
  Optimizer optimizer_;
  AveragedWeights ema_;
  distributed::GradientSync gradients_;
  std::unique_ptr<RunCheckpoints> saved_;
  Watchdog watchdog_;
  std::unique_ptr<MetricsLog> metrics_;  // of the first rank
  std::unique_ptr<Throughput> throughput_;
  std::unique_ptr<Profile> profile_;
  int64_t step_ = 0;
  std::string phase_;     // of the step
  std::string contents_;  // of the micro-batch in work
  bool checkpoint_due_ = false;
  StopReason stop_reason_ = StopReason::kFinished;
  int bad_steps_ = 0;          // in a row
  double seconds_before_ = 0;  // spent by the runs this one continues
  std::chrono::steady_clock::time_point start_;
};

}  // namespace moca::training
