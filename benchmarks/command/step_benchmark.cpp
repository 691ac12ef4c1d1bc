#include "step_benchmark.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <memory>

#include "benchmark_model.h"
#include "moca/core/generator.h"
#include "moca/flow/rectified_flow.h"
#include "moca/nn/autocast.h"
#include "moca/training/averaged_weights.h"
#include "moca/training/optimizer.h"

namespace moca::benchmarks {
namespace {

// A model in training, with random weights and data.
class TrainedModel {
 public:
  TrainedModel(const BenchmarkOptions& sizes, dit::GlobalAttentionKind kind, bool checkpoints)
      : dit_(config_of(sizes, kind), kLatentChannels,
             dit::ConditionKinds{{"image", sizes.image_width}}) {
    dit_->to(sizes.device);
    if (checkpoints) {
      dit_->checkpoint_activations();
    }
    optimizer_ = std::make_unique<training::Optimizer>(*dit_, training::OptimizerConfig());
    ema_ = std::make_unique<training::AveragedWeights>(*dit_, training::AveragingOptions());
  }

  void step(const dit::DitInput& input, const at::Tensor& velocity, bool bf16) {
    optimizer_->zero_gradients();
    {
      const nn::Autocast autocast(velocity.device(), bf16);
      const auto predicted = dit_->forward(input, generator_for(0, "benchmark step"));
      flow::velocity_loss(predicted, velocity, input.component_mask).backward();
    }
    optimizer_->step(1e-4);
    ema_->update(0);
  }

 private:
  dit::MocaDit dit_;
  std::unique_ptr<training::Optimizer> optimizer_;
  std::unique_ptr<training::AveragedWeights> ema_;
};

}  // namespace

StepRow time_step(const BenchmarkOptions& options, int64_t num_components) {
  BenchmarkOptions sizes = options;
  sizes.type = at::kFloat;
  const auto input = one_asset(sizes, num_components);
  const auto velocity = at::ones_like(input.noisy_latents);
  const auto step_of = [&](dit::GlobalAttentionKind kind, bool checkpoints) {
    return [&, model = std::make_shared<TrainedModel>(sizes, kind, checkpoints)] {
      model->step(input, velocity, options.type == at::kBFloat16);
    };
  };
  const auto dense = step_of(dit::GlobalAttentionKind::kDense, false);
  const auto moca = step_of(dit::GlobalAttentionKind::kMoc, false);
  const auto checkpointed = step_of(dit::GlobalAttentionKind::kMoc, true);
  StepRow row;
  row.components = num_components;
  const auto times = time_in_turn({dense, moca, checkpointed}, options.rounds, options.device);
  row.dense = times[0], row.moca = times[1], row.checkpointed = times[2];
  row.dense_memory_gib = peak_memory_gib(dense, options.device);
  row.moca_memory_gib = peak_memory_gib(moca, options.device);
  row.checkpointed_memory_gib = peak_memory_gib(checkpointed, options.device);
  return row;
}

}  // namespace moca::benchmarks
