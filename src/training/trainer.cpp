#include "moca/training/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <new>

#include "hang_report.h"
#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/memory.h"
#include "moca/core/progress.h"
#include "moca/nn/autocast.h"
#include "profile.h"
#include "run_checkpoints.h"
#include "throughput.h"

namespace moca::training {
namespace {

// Steps in a row without a finite loss after which a run stops.
constexpr int kMaxBadSteps = 10;

bool finite(const StepStats& stats) {
  return std::isfinite(stats.loss) && std::isfinite(stats.gradient_norm);
}

// "0.25", "inf", "nan": a NaN has no sign that means anything.
std::string text_of(double value) { return std::isnan(value) ? "nan" : std::to_string(value); }

std::string note_of(const StepStats& stats) {
  char text[64];
  std::snprintf(text, sizeof(text), "loss %.4f", stats.loss);
  return std::isfinite(stats.loss) ? text : "loss " + text_of(stats.loss);
}

std::string short_text(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Trainer::Trainer(TrainingTask task, const TrainingConfig& config, const TrainingPlace& place)
    : task_(std::move(task)),
      config_(config),
      group_(place.group),
      device_(place.device),
      run_folder_(place.run_folder),
      share_(share_of(group_.rank(), group_.size(), config)),
      shards_(shards_of(trainable_parameters(*task_.model), group_.rank(), group_.size(),
                        config.shard_optimizer)),
      optimizer_(*task_.model, config.optimizer, shards_),
      ema_(*task_.model, {config.ema_decay, config.ema_on_cpu}, shards_),
      gradients_(group_, optimizer_.parameters()),
      saved_(std::make_unique<RunCheckpoints>(run_folder_, config_, group_,
                                              RunState{*task_.model, ema_, optimizer_})),
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
  if (const auto progress = saved_->resume()) {
    step_ = progress->step;
    seconds_before_ = progress->seconds;
  }
}

StopReason Trainer::train() {
  if (group_.is_first()) {
    metrics_ = std::make_unique<MetricsLog>(run_folder_, step_);
  }
  throughput_->start(step_, seconds_spent());
  saved_->make_room();
  say_what_ends_it();
  try {
    take_steps();
    save(/*last=*/true);
  } catch (const c10::Error& failure) {
    end_by_failure(failure.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    end_by_failure("out of memory");
  }
  return say_why_it_ended();
}

void Trainer::take_steps() {
  Progress progress("train", config_.max_steps, "step", step_, /*shown=*/group_.is_first());
  if (config_.max_minutes > 0) {
    progress.end_after(60.0 * config_.max_minutes - seconds_spent());
  }
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
    save_if_due();
  }
}

// A time limit ends a run at a step that no setting names: its user learns that beforehand.
void Trainer::say_what_ends_it() const {
  if (!group_.is_first()) {
    return;
  }
  if (step_ >= config_.max_steps) {
    log::info("the run is finished: step " + std::to_string(step_) + " of " +
              std::to_string(config_.max_steps) + ". A larger training.max_steps goes on with it.");
    return;
  }
  if (config_.max_minutes == 0) {
    return;
  }
  std::string text = "training ends at step " + std::to_string(config_.max_steps) + " or after " +
                     short_text(config_.max_minutes) + " minutes (training.max_minutes)";
  if (seconds_before_ > 0) {
    text += ", of which earlier runs spent " + short_text(seconds_before_ / 60.0);
  }
  if (config_.optimizer.schedule == Schedule::kCosine) {
    text += "; the cosine schedule reaches zero at step " + std::to_string(config_.max_steps) +
            ", whatever the time";
  }
  log::info(text);
}

StopReason Trainer::say_why_it_ended() const {
  if (step_ >= config_.max_steps) {
    return StopReason::kFinished;
  }
  if (stop_reason_ == StopReason::kOutOfTime && group_.is_first()) {
    log::warn("stopped at step " + std::to_string(step_) + " of " +
              std::to_string(config_.max_steps) + ": the " + short_text(config_.max_minutes) +
              " minutes of training.max_minutes are spent (" + short_text(seconds_spent() / 60.0) +
              "). Go on with --resume training.max_minutes=" +
              short_text(std::ceil(2 * std::max(config_.max_minutes, seconds_spent() / 60.0))) +
              ", or 0 for no limit.");
  }
  return stop_reason_;
}

void Trainer::end_by_failure(const std::string& failure) const {
  throw TrainingFailure("rank " + std::to_string(group_.rank()) + ", " + phase_ + " of step " +
                        std::to_string(step_) + (contents_.empty() ? "" : ", " + contents_) + ": " +
                        first_line(failure) +
                        ". Continue with --resume once the cause is mended (out of memory: "
                        "smaller training.batch_size with more training.micro_batches)");
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
  contents_ = task_.contents(which);
  wait_for_data(which);
  const nn::Autocast autocast(device_, config_.precision == Precision::kBf16);
  enter("forward");
  const auto loss = task_.loss(which);
  const auto value = loss.item<double>();
  if (!std::isfinite(value)) {
    log::warn("rank " + std::to_string(group_.rank()) + ", step " + std::to_string(step_) +
              ": the loss of " + contents_ + " is " + text_of(value));
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
  phase_ = phase;
  watchdog_.enter(phase + " of step " + std::to_string(step_));
}

void Trainer::count_bad_steps(const StepStats& stats) {
  if (finite(stats)) {
    bad_steps_ = 0;
    return;
  }
  log::warn("step " + std::to_string(step_ - 1) + " skipped: loss " + text_of(stats.loss) +
            ", gradient norm " + text_of(stats.gradient_norm) + ", with " +
            contents_of_step(step_ - 1));
  if (++bad_steps_ == kMaxBadSteps) {
    saved_->finish();
    throw Error("stopped at step " + std::to_string(step_) +
                ": the loss or gradient was not finite for " + std::to_string(kMaxBadSteps) +
                " steps in a row. Where the learning rate is the cause, go on from the last "
                "checkpoint, or from the beginning where there is none, with --resume "
                "training.optimizer.learning_rate=" +
                short_text(config_.optimizer.learning_rate / 10) +
                "; where the data are, the lines above name the assets.");
  }
}

// What this process's micro-batches of a step hold.
std::string Trainer::contents_of_step(int64_t step) const {
  std::string contents;
  for (MicroBatch which{step, share_.first}; which.step == step; which = share_.after(which)) {
    contents += (contents.empty() ? "" : "; ") + task_.contents(which);
  }
  return contents;
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
  contents_.clear();
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

// Among bad steps a checkpoint waits for a good one, or those from before the trouble would make
// way for it.
void Trainer::save_if_due() {
  checkpoint_due_ = checkpoint_due_ || due(config_.checkpoint_every);
  if (checkpoint_due_ && bad_steps_ == 0 && step_ < config_.max_steps) {
    save(/*last=*/false);
  }
}

void Trainer::save(bool last) {
  checkpoint_due_ = false;
  contents_.clear();
  enter("save");
  saved_->save({step_, seconds_spent()}, last);
}

double Trainer::seconds_spent() const { return seconds_before_ + seconds_since(start_); }

}  // namespace moca::training
