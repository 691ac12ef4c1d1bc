#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/choice.h"
#include "moca/config/rules.h"

namespace moca::training {

enum class Schedule { kConstant, kCosine };
enum class Precision { kFp32, kBf16 };
enum class FieldTarget { kDistance, kOccupancy };

constexpr auto enum_names(Schedule) {
  return std::array{std::pair{"constant", Schedule::kConstant},
                    std::pair{"cosine", Schedule::kCosine}};
}
constexpr auto enum_names(Precision) {
  return std::array{std::pair{"fp32", Precision::kFp32}, std::pair{"bf16", Precision::kBf16}};
}
constexpr auto enum_names(FieldTarget) {
  return std::array{std::pair{"distance", FieldTarget::kDistance},
                    std::pair{"occupancy", FieldTarget::kOccupancy}};
}

// The optimisers that this program knows; the first is AdamW. See update_rule.h.
config::Choice known_optimizers();

struct OptimizerConfig {
  config::Choice kind = known_optimizers();
  double learning_rate = 1e-4;
  Schedule schedule = Schedule::kConstant;
  int64_t warmup_steps = 1000;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double weight_decay = 0.01;
  double epsilon = 1e-8;
  double max_gradient_norm = 1.0;
  std::vector<std::string> frozen;
  std::vector<std::string> no_weight_decay;
  std::vector<std::string> learning_rate_factors;

  static void fields(auto& self, auto&& v) {
    using config::above, config::at_least, config::in_range, config::kMayChange;
    v("name", self.kind);
    v("learning_rate", self.learning_rate, "after warm-up (paper A.2: 1e-4, then 4e-5)", above(0.0),
      kMayChange);
    v("schedule", self.schedule, "constant, or cosine to zero at max_steps", kMayChange);
    v("warmup_steps", self.warmup_steps, "steps of linear warm-up (PartCrafter: 1000)", at_least(0),
      kMayChange);
    v("beta1", self.beta1, "AdamW (PartCrafter: 0.9)", in_range(0.0, 1.0));
    v("beta2", self.beta2, "AdamW (PartCrafter: 0.999)", in_range(0.0, 1.0));
    v("weight_decay", self.weight_decay, "AdamW (PartCrafter: 0.01)", at_least(0.0));
    v("epsilon", self.epsilon, "AdamW (PartCrafter: 1e-8)", above(0.0));
    v("max_gradient_norm", self.max_gradient_norm,
      "gradients are scaled down to this norm; 0: never (PartCrafter: 1)", at_least(0.0),
      kMayChange);
    v("frozen", self.frozen, "names of parameters that are not trained; * stands for any text");
    v("no_weight_decay", self.no_weight_decay, "names of parameters without weight decay");
    v("learning_rate_factors", self.learning_rate_factors,
      "names and what multiplies their learning rate, such as 'dit.blocks.*.router.*=10'");
  }
};

struct TrainingConfig {
  int64_t max_steps = 50000;
  double max_minutes = 0;
  int64_t batch_size = 8;
  int64_t micro_batches = 1;
  double ema_decay = 0.9999;
  bool ema_on_cpu = false;
  bool shard_optimizer = false;
  Precision precision = Precision::kBf16;
  bool deterministic = false;
  int64_t checkpoint_every = 1000;
  int64_t keep_checkpoints = 3;
  int64_t keep_every = 0;
  int64_t validate_every = 0;
  int64_t validation_assets = 4;
  int64_t log_every = 10;
  int64_t num_threads = 0;
  int64_t loader_threads = 1;
  double hang_seconds = 1800;
  double peak_tflops = 0;
  int64_t profile_steps = 0;
  OptimizerConfig optimizer;

  bool uses_bf16() const { return precision == Precision::kBf16; }

  static void fields(auto& self, auto&& v) {
    using config::at_least, config::in_range, config::kMayChange;
    v("max_steps", self.max_steps, "training steps in all", at_least(1), kMayChange);
    v("max_minutes", self.max_minutes, "stop with a checkpoint after this time; 0 is no limit",
      at_least(0.0), kMayChange);
    v("batch_size", self.batch_size, "assets of a micro-batch; in the VAE stage components",
      in_range(1, 65536));
    v("micro_batches", self.micro_batches,
      "micro-batches of a step, divided among the processes; one that has several adds their "
      "gradients up",
      at_least(1));
    v("ema_decay", self.ema_decay,
      "decay of the averaged weights, with warm-up (PartCrafter: 0.9999)", in_range(0.0, 1.0));
    v("ema_on_cpu", self.ema_on_cpu, "keep the averaged weights in main memory: a copy a step",
      kMayChange);
    v("shard_optimizer", self.shard_optimizer,
      "every process keeps the optimiser's state and the averages of its share of the parameters "
      "only (ZeRO, stage 1): the same bits in less memory",
      kMayChange);
    v("precision", self.precision, "bf16: autocast over float weights; fp32: none");
    v("deterministic", self.deterministic,
      "equal runs give equal bits on a GPU too, in more time; on a CPU they always do");
    v("checkpoint_every", self.checkpoint_every, "steps between checkpoints", at_least(1),
      kMayChange);
    v("keep_checkpoints", self.keep_checkpoints, "newest checkpoints that are kept", at_least(1),
      kMayChange);
    v("keep_every", self.keep_every,
      "checkpoints of steps that are multiples of this are kept for good; 0: none", at_least(0),
      kMayChange);
    v("validate_every", self.validate_every,
      "steps between validations, which generate (or reconstruct) and score a few assets with the "
      "averaged weights; 0: none",
      at_least(0), kMayChange);
    v("validation_assets", self.validation_assets,
      "assets of a validation, held out ones where there are some", at_least(1), kMayChange);
    v("log_every", self.log_every, "steps between lines of metrics.jsonl", at_least(1), kMayChange);
    v("num_threads", self.num_threads, "CPU threads of tensor operations; 0 is all cores",
      at_least(0), kMayChange);
    v("loader_threads", self.loader_threads,
      "threads that load the next micro-batches meanwhile; 0: none", at_least(0), kMayChange);
    v("hang_seconds", self.hang_seconds,
      "a process that stays in one phase of a step for longer ends the run with a report; 0: never",
      at_least(0.0), kMayChange);
    v("peak_tflops", self.peak_tflops,
      "what one device can do in this precision, for the model FLOPs utilisation in the metrics "
      "(NVIDIA, bf16 without sparsity: A100 312, H100 and H200 989, H20 148); 0: left out",
      at_least(0.0), kMayChange);
    v("profile_steps", self.profile_steps,
      "steps whose operations every process writes to trace_rank_N.json, after the first three; 0: "
      "none",
      at_least(0), kMayChange);
    v("optimizer", self.optimizer, "from gradients to parameters");
  }
};

// The VAE stage: components by themselves.
struct VaeTrainingConfig {
  int64_t num_query_points = 2048;
  FieldTarget target = FieldTarget::kDistance;
  double truncation = 0.1;
  double kl_weight = 1e-3;

  static void fields(auto& self, auto&& v) {
    using config::at_least, config::in_range;
    v("num_query_points", self.num_query_points, "query points of a component a step",
      in_range(1, 10000000));
    v("target", self.target, "what the field learns: signed distance (clipped), or occupancy");
    v("truncation", self.truncation, "distances are clipped to +- this and divided by it",
      config::above(0.0));
    v("kl_weight", self.kl_weight,
      "weight of the posterior's divergence from a standard normal (3DShape2VecSet: 1e-3)",
      at_least(0.0));
  }
};

// The MoCA stage: all components of an asset together, their latents from the frozen VAE.
struct DitTrainingConfig {
  int64_t max_components = 0;
  double condition_dropout = 0.1;
  int64_t num_cached_encodings = 0;
  bool activation_checkpointing = false;

  static void fields(auto& self, auto&& v) {
    v("max_components", self.max_components,
      "components of a micro-batch: assets are added until the next does not fit (paper A.2: 32 a "
      "GPU); 0: training.batch_size assets",
      config::at_least(0));
    v("condition_dropout", self.condition_dropout,
      "share of assets trained without their conditions (paper: 0.1)", config::in_range(0.0, 1.0));
    v("num_cached_encodings", self.num_cached_encodings,
      "number of encodings made of every component at the start, of which each step draws one; 0 "
      "encodes anew in each step",
      config::at_least(0));
    v("activation_checkpointing", self.activation_checkpointing,
      "compute every block once more in the backward pass instead of keeping its inside: less "
      "memory, more time");
  }
};

}  // namespace moca::training
