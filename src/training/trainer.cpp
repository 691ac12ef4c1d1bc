#include "moca/training/trainer.h"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "bad_steps.h"
#include "moca/core/logging.h"
#include "moca/core/mapped.h"
#include "moca/core/progress.h"
#include "moca/core/transfer.h"
#include "moca/nn/autocast.h"
#include "parameter_shards.h"
#include "profile.h"
#include "run_checkpoints.h"
#include "step_metrics.h"
#include "step_phase.h"
#include "step_stats.h"
#include "stop_decision.h"

namespace moca::training {

Trainer::Trainer(Stage& stage, const TrainingConfig& config, const TrainingPlace& place,
                 Validation validation)
    : stage_(stage),
      config_(config),
      group_(place.group),
      device_(place.device),
      validation_(std::move(validation)),
      share_(share_of(group_.rank(), group_.size(), config)),
      shards_(shards_of(trainable_parameters(stage.model()), group_.rank(), group_.size(),
                        config.shard_optimizer)),
      optimizer_(stage.model(), config.optimizer, shards_),
      ema_(stage.model(), {config.ema_decay, config.ema_on_cpu}, shards_),
      gradients_(group_, optimizer_.parameters()),
      checkpoints_(std::make_unique<RunCheckpoints>(place.run_folder, config_, group_,
                                                    RunState{stage.model(), ema_, optimizer_})),
      phase_(std::make_unique<StepPhase>(place, config.hang_seconds)),
      metrics_(std::make_unique<StepMetrics>(stage, config_, place)),
      stop_(std::make_unique<StopDecision>(config_, group_)),
      bad_steps_(std::make_unique<BadSteps>(config_, stage.batches(), share_)),
      profile_(std::make_unique<Profile>(
          config.profile_steps,
          place.run_folder / ("trace_rank_" + std::to_string(group_.rank()) + ".json"))) {
  distributed::broadcast_parameters(group_, optimizer_.parameters());
}

Trainer::~Trainer() = default;

void Trainer::resume() {
  if (const auto progress = checkpoints_->resume()) {
    step_ = progress->step;
    stop_->add_earlier(progress->seconds);
  }
}

StopReason Trainer::train() {
  metrics_->start(step_, stop_->seconds_spent());
  checkpoints_->reserve_memory();
  stop_->say_what_ends_it(step_);
  phase_->say_where_it_fails([this] {
    take_steps();
    save(/*last=*/true);
  });
  return stop_->say_why_it_ended(step_);
}

void Trainer::take_steps() {
  Progress progress("train", config_.max_steps, "step", step_, /*shown=*/group_.is_first());
  if (config_.max_minutes > 0) {
    progress.end_after(60.0 * config_.max_minutes - stop_->seconds_spent());
  }
  while (step_ < config_.max_steps && !agree_to_stop()) {
    profile_->step_begins();
    const auto stats = train_step();
    if (!stats) {
      continue;  // asked to stop in the middle of the step, which is done again when resumed
    }
    ++step_;
    metrics_->record(step_, *stats, stop_->seconds_spent());
    progress.update(step_, "loss " + text_of(stats->loss, "%.4f"));
    bad_steps_->count(step_ - 1, *stats);
    if (bad_steps_->any()) {
      checkpoints_->check_weights(step_);  // with those no later step can be good
    }
    if (validation_ && config_.validate_every > 0 && step_ % config_.validate_every == 0) {
      validate();
    }
    // Among bad steps a checkpoint waits for a good one, or those from before the trouble would
    // make way for it.
    if (checkpoints_->is_due(step_) && !bad_steps_->any() && step_ < config_.max_steps) {
      save(/*last=*/false);
    }
  }
}

// One step of Sec. 3.3.2: the loss of every micro-batch of this rank (Eq. 9), the gradients summed
// over all of them and all ranks, the update, the averaged weights. Nothing when the ranks agreed
// to stop between two micro-batches.
std::optional<StepStats> Trainer::train_step() {
  StepStats stats;
  stats.learning_rate = learning_rate_at(config_.optimizer, step_, config_.max_steps);
  stage_.model().train();
  optimizer_.zero_gradients();
  std::vector<MicroBatchLoss> losses;
  for (const MicroBatch batch : share_.of_step(step_)) {
    if (batch.index != share_.first && agree_to_stop()) {
      return std::nullopt;
    }
    losses.push_back(loss_and_gradients(batch));
  }
  stats.loss = group_.sum({sum_of(losses)}, "loss")[0];
  phase_->enter("update", step_);
  // A gradient can be finite where the loss is not: such a step changes no parameter.
  stats.gradient_norm = std::isfinite(stats.loss) ? optimizer_.step(stats.learning_rate)
                                                  : std::numeric_limits<double>::quiet_NaN();
  if (stats.is_finite()) {
    share_updates(group_, optimizer_.parameters(), shards_);
    ema_.update(step_);
  }
  return stats;
}

// The micro-batch's loss; its gradients are added to those of the step.
MicroBatchLoss Trainer::loss_and_gradients(MicroBatch batch) {
  const auto names = stage_.batches().asset_names(batch);
  phase_->set_asset_names(names);
  phase_->enter("loading", step_);
  const auto start = std::chrono::steady_clock::now();
  stage_.batches().load(batch);
  const double seconds_waited = seconds_since(start);
  const nn::Autocast autocast(device_, config_.uses_bf16());
  phase_->enter("forward", step_);
  const auto loss = stage_.loss(batch);
  phase_->enter("backward", step_);
  const double weight = stage_.batches().weight(batch);
  gradients_.backward(weight == 1.0 ? loss : loss * weight, share_.is_last(batch));
  metrics_->add(batch, seconds_waited);
  return {loss.detach(), weight, names};
}

// This rank's share of the step's loss; says which micro-batch has none.
double Trainer::sum_of(const std::vector<MicroBatchLoss>& losses) const {
  const auto read = to_host(at::stack(mapped(losses, &MicroBatchLoss::value)));
  double sum = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    const auto value = read[static_cast<int64_t>(i)].item<double>();
    sum += value * losses[i].weight;
    if (!std::isfinite(value)) {
      log::warn("rank " + std::to_string(group_.rank()) + ", step " + std::to_string(step_) +
                ": the loss of " + losses[i].asset_names + " is " + text_of(value));
    }
  }
  return sum;
}

bool Trainer::agree_to_stop() {
  phase_->enter("agreement", step_);
  return stop_->agree_to_stop();
}

// The first rank looks at what the averaged weights can do, the others wait.
void Trainer::validate() {
  phase_->set_asset_names("");
  phase_->enter("validation", step_);
  ema_.exchange();
  share_updates(group_, optimizer_.parameters(), shards_);
  const auto name = "validation of step " + std::to_string(step_);
  distributed::work_while_others_wait(group_, name, [this] {
    if (const auto scores = validation_(); !scores.empty()) {
      metrics_->record_scores(step_, scores);
    }
  });
  ema_.exchange();
  share_updates(group_, optimizer_.parameters(), shards_);
}

void Trainer::save(bool last) {
  phase_->set_asset_names("");
  phase_->enter("save", step_);
  checkpoints_->save({step_, stop_->seconds_spent()}, last);
}

}  // namespace moca::training
