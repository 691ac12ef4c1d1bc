#include "moca/training/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "hang_report.h"
#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/memory.h"
#include "moca/core/progress.h"
#include "moca/nn/autocast.h"
#include "profile.h"
#include "throughput.h"

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

// With a sharded optimiser every process writes its part of a checkpoint, otherwise the first all.
checkpoint::CheckpointPart part_of(const distributed::ProcessGroup& group,
                                   const TrainingConfig& config) {
  checkpoint::CheckpointPart part;
  if (config.shard_optimizer) {
    part.index = group.rank();
    part.count = group.size();
  }
  return part;
}

}  // namespace

Trainer::Trainer(TrainingTask task, const TrainingConfig& config, const TrainingPlace& place)
    : task_(std::move(task)),
      config_(config),
      group_(place.group),
      device_(place.device),
      run_folder_(place.run_folder),
      checkpoints_(place.run_folder / "checkpoints"),
      share_(share_of(group_.rank(), group_.size(), config)),
      shards_(shards_of(trainable_parameters(*task_.model), group_.rank(), group_.size(),
                        config.shard_optimizer)),
      optimizer_(*task_.model, config.optimizer, shards_),
      ema_(*task_.model, {config.ema_decay, config.ema_on_cpu}, shards_),
      gradients_(group_, optimizer_.parameters()),
      writer_(checkpoints_, {config.keep_checkpoints, config.keep_every}, part_of(group_, config)),
      watchdog_(std::chrono::duration<double>(config.hang_seconds),
                [this](const std::string& phase, double seconds) {
                  end_hanging_run(group_, run_folder_, phase, seconds);
                }),
      throughput_(std::make_unique<Throughput>(config.peak_tflops)),
      profile_(std::make_unique<Profile>(
          config.profile_steps,
          run_folder_ / ("trace_rank_" + std::to_string(group_.rank()) + ".json"))),
      start_(std::chrono::steady_clock::now()) {
  distributed::broadcast_parameters(group_, optimizer_.parameters());
}

Trainer::~Trainer() = default;

void Trainer::resume() {
  double step = 0;  // of rank 0, that others may not find what it repairs
  if (group_.is_first()) {
    checkpoint::tidy_up(checkpoints_);
    step = static_cast<double>(checkpoint::latest_good_step(checkpoints_).value_or(-1));
  }
  step = group_.sum({step}, "step to resume from")[0];
  if (step < 0) {
    log::info("no checkpoint yet in " + checkpoints_.string() +
              ": the run starts from the "
              "beginning");
    return;
  }
  load(static_cast<int64_t>(step));
  distributed::check_same_bits(group_, optimizer_.parameters(), "the weights");
}

void Trainer::load(int64_t step) {
  const auto folder = checkpoint::step_folder(checkpoints_, step);
  checkpoint::load_state(*task_.model, checkpoint::Weights(folder / "model.safetensors"));
  ema_.load(checkpoint::Weights(checkpoint::weights_file(folder, "ema.safetensors")));
  optimizer_.load(checkpoint::Weights(checkpoint::weights_file(folder, "optimizer.safetensors")));
  const auto state = nlohmann::json::parse(read_file(folder / "state.json"));
  step_ = step;
  seconds_before_ = state.at("seconds");
  log::info("resumed from " + folder.string());
}

StopReason Trainer::train() {
  if (group_.is_first()) {
    metrics_ = std::make_unique<MetricsLog>(run_folder_, step_);
  }
  throughput_->start(step_, seconds_spent());
  if (writes()) {
    writer_.make_room(content());
  }
  Progress progress("train", config_.max_steps, "step", step_, /*shown=*/group_.is_first());
  while (step_ < config_.max_steps && !agree_to_stop()) {
    profile_->step_begins();
    const auto stats = train_step();
    if (!stats) {
      continue;  // asked to stop in the middle of the step, which is done again when resumed
    }
    ++step_;
    record(*stats);
    progress.update(step_, note_of(*stats));
    count_bad_steps(*stats);
    if (config_.validate_every > 0 && due(config_.validate_every)) {
      validate();
    }
    if (due(config_.checkpoint_every) && step_ < config_.max_steps) {
      save(/*last=*/false);
    }
  }
  save(/*last=*/true);
  return step_ < config_.max_steps ? stop_reason_ : StopReason::kFinished;
}

// One step of Sec. 3.3.2: the losses of this rank's micro-batches, their gradients added up over
// all of them and all ranks, AdamW, the averaged weights. Nothing when the ranks agreed to stop
// between two micro-batches.
std::optional<StepStats> Trainer::train_step() {
  StepStats stats;
  stats.learning_rate = learning_rate_at(config_.optimizer, step_, config_.max_steps);
  task_.model->train();
  optimizer_.zero_gradients();
  for (MicroBatch which{step_, share_.first}; which.step == step_; which = share_.after(which)) {
    if (which.index != share_.first && agree_to_stop()) {
      return std::nullopt;
    }
    stats.loss += loss_and_gradients(which);
  }
  stats.loss = group_.sum({stats.loss}, "loss")[0];
  enter("update");
  // A gradient can be finite where the loss is not; it is not followed.
  stats.gradient_norm = std::isfinite(stats.loss) ? optimizer_.step(stats.learning_rate)
                                                  : std::numeric_limits<double>::quiet_NaN();
  if (finite(stats)) {
    share_updated_weights();
    ema_.update(step_);
  }
  return stats;
}

// With a sharded optimiser every process has updated its own parameters only.
void Trainer::share_updated_weights() {
  if (!config_.shard_optimizer) {
    return;
  }
  for (int rank = 0; rank < group_.size(); ++rank) {
    std::vector<at::Tensor> updated;
    for (size_t i = 0; i < shards_.owners.size(); ++i) {
      if (shards_.owners[i] == rank) {
        updated.push_back(optimizer_.parameters()[i].detach());
      }
    }
    group_.broadcast(updated, "updated weights", rank);
  }
}

// The micro-batch's part of the step's loss; its gradients are added to those of the step.
double Trainer::loss_and_gradients(MicroBatch which) {
  wait_for_data(which);
  const nn::Autocast autocast(device_, config_.precision == Precision::kBf16);
  enter("forward");
  const auto loss = task_.loss(which);
  const auto value = loss.item<double>();
  if (!std::isfinite(value)) {
    log::warn("rank " + std::to_string(group_.rank()) + ", step " + std::to_string(step_) +
              ": the loss of " + task_.contents(which) + " is " + std::to_string(value));
  }
  enter("backward");
  const double weight = task_.weight(which);
  gradients_.backward(weight == 1.0 ? loss : loss * weight, share_.is_last(which));
  throughput_->add(task_, which);
  return value * weight;
}

void Trainer::wait_for_data(MicroBatch which) {
  if (task_.load == nullptr) {
    return;
  }
  enter("loading");
  const auto start = std::chrono::steady_clock::now();
  task_.load(which);
  throughput_->add_data_wait(seconds_since(start));
}

// True for all ranks once one of them got a signal or its time is over.
bool Trainer::agree_to_stop() {
  enter("agreement");
  const bool out_of_time = config_.max_minutes > 0 && seconds_spent() > 60.0 * config_.max_minutes;
  const auto votes = group_.sum({interrupted() ? 1.0 : 0.0, out_of_time ? 1.0 : 0.0}, "stop");
  stop_reason_ = votes[0] > 0 ? StopReason::kInterrupted : StopReason::kOutOfTime;
  return votes[0] > 0 || votes[1] > 0;
}

void Trainer::enter(const std::string& phase) {
  watchdog_.enter(phase + " of step " + std::to_string(step_));
}

void Trainer::count_bad_steps(const StepStats& stats) {
  if (finite(stats)) {
    bad_steps_ = 0;
    return;
  }
  log::warn("step " + std::to_string(step_ - 1) + " skipped: loss " + std::to_string(stats.loss) +
            ", gradient norm " + std::to_string(stats.gradient_norm));
  if (++bad_steps_ == kMaxBadSteps) {
    writer_.finish();
    throw Error("stopped at step " + std::to_string(step_) +
                ": the loss or gradient was not finite for " + std::to_string(kMaxBadSteps) +
                " steps in a row. Lower optimizer.learning_rate and "
                "continue from the last checkpoint in " +
                checkpoints_.string() + " with --resume.");
  }
}

void Trainer::record(const StepStats& stats) {
  if (!due(config_.log_every) && step_ != config_.max_steps) {
    return;
  }
  std::vector<std::pair<std::string, double>> values = {{"loss", stats.loss},
                                                        {"gradient_norm", stats.gradient_norm},
                                                        {"learning_rate", stats.learning_rate},
                                                        {"minutes", seconds_spent() / 60.0}};
  if (task_.measurements != nullptr) {
    if (task_.look != nullptr) {
      task_.look();
    }
    const auto measured = task_.measurements->take(group_);
    values.insert(values.end(), measured.begin(), measured.end());
  }
  const auto speed = throughput_->take(step_, seconds_spent(), group_);
  values.insert(values.end(), speed.begin(), speed.end());
  if (metrics_ != nullptr) {
    values.emplace_back("memory_gib", memory_gib());
    metrics_->record(step_, values);
  }
}

// The first rank looks at what the averaged weights can do, the others wait.
void Trainer::validate() {
  if (task_.validate == nullptr) {
    return;
  }
  enter("validation");
  ema_.exchange();
  share_updated_weights();
  const auto name = "validation of step " + std::to_string(step_);
  distributed::work_while_others_wait(group_, name, [this] {
    if (const auto scores = task_.validate(); !scores.empty()) {
      metrics_->record(step_, scores);
    }
  });
  ema_.exchange();
  share_updated_weights();
}

// All learn whether those that write could. Training goes on without a checkpoint that
// could not be written, but does not end without one.
void Trainer::save(bool last) {
  enter("save");
  distributed::check_same_bits(group_, optimizer_.parameters(), "the weights");
  check_weights();
  std::string failure;
  if (writes()) {
    failure = try_to_save(last);
  }
  if (group_.sum({failure.empty() ? 0.0 : 1.0}, "checkpoint")[0] == 0) {
    return;
  }
  if (last) {
    throw Error(failure.empty()
                    ? "another rank could not write the last checkpoint, see its message"
                    : failure);
  }
  if (!failure.empty()) {
    log::warn(failure + " Training goes on; the next checkpoint is tried in " +
              std::to_string(config_.checkpoint_every) + " steps.");
  }
}

// What cannot be read again is not written over what can.
void Trainer::check_weights() const {
  const c10::NoGradGuard no_grad;
  const auto norms = at::stack(at::_foreach_norm(optimizer_.parameters(), 2));
  if (!at::isfinite(norms).all().item<bool>()) {
    throw Error("stopped at step " + std::to_string(step_) +
                ": weights hold NaN or infinity and are not saved. Continue from the last "
                "checkpoint in " +
                checkpoints_.string() + " with --resume.");
  }
}

// Whether this rank has something to write of a checkpoint.
bool Trainer::writes() const { return group_.is_first() || config_.shard_optimizer; }

checkpoint::CheckpointContent Trainer::content() const {
  const nlohmann::ordered_json state = {{"step", step_}, {"seconds", seconds_spent()}};
  return {{{"model.safetensors", checkpoint::state_of(*task_.model)}},
          {{"ema.safetensors", ema_.state()}, {"optimizer.safetensors", optimizer_.state()}},
          state.dump(1) + "\n"};
}

// What went wrong, or nothing.
std::string Trainer::try_to_save(bool last) {
  std::string failure;
  try {
    writer_.finish();
  } catch (const Error& of_the_one_before) {
    failure = of_the_one_before.what();
  }
  try {
    writer_.save(step_, content());
    if (last) {
      writer_.finish();
      failure.clear();
    }
  } catch (const Error& of_this_one) {
    failure = of_this_one.what();
  }
  return failure;
}

double Trainer::seconds_spent() const { return seconds_before_ + seconds_since(start_); }

}  // namespace moca::training
