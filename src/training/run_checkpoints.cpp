#include "run_checkpoints.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/distributed/gradient_sync.h"

namespace moca::training {
namespace {

// With a sharded optimiser every process writes a part of a checkpoint, otherwise the first all.
checkpoint::CheckpointPart part_of(const distributed::ProcessGroup& group,
                                   const TrainingConfig& config) {
  return config.shard_optimizer
             ? checkpoint::CheckpointPart{.index = group.rank(), .count = group.size()}
             : checkpoint::CheckpointPart();
}

}  // namespace

RunCheckpoints::RunCheckpoints(const std::filesystem::path& run_folder,
                               const TrainingConfig& config, distributed::ProcessGroup& group,
                               RunState state)
    : folder_(run_folder / "checkpoints"),
      config_(config),
      group_(group),
      state_(state),
      writer_(folder_, {config.keep_checkpoints, config.keep_every}, part_of(group, config)) {}

std::optional<RunProgress> RunCheckpoints::resume() {
  double newest = 0;  // of rank 0, that others may not find what it repairs
  if (group_.is_first()) {
    checkpoint::tidy_up(folder_);
    newest = static_cast<double>(checkpoint::latest_good_step(folder_).value_or(-1));
  }
  const auto step = static_cast<int64_t>(group_.sum({newest}, "step to resume from")[0]);
  if (step < 0) {
    log::info("no checkpoint yet in " + folder_.string() + ": the run starts from the beginning");
    return std::nullopt;
  }
  const auto from = checkpoint::step_folder(folder_, step);
  checkpoint::load_state(state_.model, checkpoint::Weights(from / "model.safetensors"));
  state_.ema.load(checkpoint::Weights(checkpoint::weights_file(from, "ema.safetensors")));
  state_.optimizer.load(
      checkpoint::Weights(checkpoint::weights_file(from, "optimizer.safetensors")));
  const auto json = nlohmann::json::parse(read_file(from / "state.json"));
  log::info("resumed from " + from.string());
  distributed::check_same_bits(group_, state_.optimizer.parameters(), "the weights");
  return RunProgress{step, json.at("seconds")};
}

void RunCheckpoints::reserve_memory() {
  if (writes()) {
    writer_.reserve_memory(content({}));
  }
}

bool RunCheckpoints::is_due(int64_t step) {
  is_due_ = is_due_ || step % config_.checkpoint_every == 0;
  return is_due_;
}

void RunCheckpoints::save(const RunProgress& progress, bool last) {
  is_due_ = false;
  distributed::check_same_bits(group_, state_.optimizer.parameters(), "the weights");
  check_weights(progress.step);
  std::string failure;
  if (writes()) {
    failure = try_to_save(progress, last);
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

// Whether this rank has something to write of a checkpoint.
bool RunCheckpoints::writes() const { return group_.is_first() || config_.shard_optimizer; }

checkpoint::CheckpointContent RunCheckpoints::content(const RunProgress& progress) const {
  const nlohmann::ordered_json json = {{"step", progress.step}, {"seconds", progress.seconds}};
  return {{{"model.safetensors", checkpoint::state_of(state_.model)}},
          {{"ema.safetensors", state_.ema.state()},
           {"optimizer.safetensors", state_.optimizer.state()}},
          json.dump(1) + "\n"};
}

void RunCheckpoints::check_weights(int64_t step) const {
  const c10::NoGradGuard no_grad;
  const auto norms = at::stack(at::_foreach_norm(state_.optimizer.parameters(), 2));
  if (!at::isfinite(norms).all().item<bool>()) {
    throw Error(
        "stopped at step ", step,
        ": weights hold NaN or infinity and are not saved. Continue from the last checkpoint in ",
        folder_,
        " with --resume; if the learning rate is the cause, also with a smaller "
        "training.optimizer.learning_rate.");
  }
}

// What went wrong, or nothing.
std::string RunCheckpoints::try_to_save(const RunProgress& progress, bool last) {
  std::string failure;
  try {
    writer_.finish();
  } catch (const Error& of_the_one_before) {
    failure = of_the_one_before.what();
  }
  try {
    writer_.save(progress.step, content(progress));
    if (last) {
      writer_.finish();
      failure.clear();
    }
  } catch (const Error& of_this_one) {
    failure = of_this_one.what();
  }
  return failure;
}

}  // namespace moca::training
