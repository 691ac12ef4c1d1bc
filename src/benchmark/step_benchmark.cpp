#include "moca/benchmark/step_benchmark.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include "benchmark_model.h"
#include "moca/core/generator.h"
#include "moca/nn/autocast.h"

namespace moca::benchmark {

StepRow time_step(const BenchmarkOptions& options, int64_t num_components) {
  // As in training: float weights, bf16 by autocast.
  BenchmarkOptions sizes = options;
  sizes.type = at::kFloat;
  const auto input = one_asset(sizes, num_components);
  const auto step_of = [&](bool checkpoints) {
    dit::MocaDit dit(config_of(sizes, dit::GlobalAttentionKind::kMoc), kLatentChannels,
                     sizes.image_width);
    dit->to(sizes.device);
    if (checkpoints) {
      dit->checkpoint_activations();
    }
    return [&, dit]() mutable {
      at::Tensor loss;
      {
        const nn::Autocast autocast(sizes.device, options.type == at::kBFloat16);
        loss = dit->forward(input, generator_for(0, "benchmark step")).square().mean();
      }
      loss.backward();
      dit->zero_grad();  // frees the gradients
    };
  };
  const auto kept = step_of(false), checkpointed = step_of(true);
  StepRow row;
  row.components = num_components;
  const auto times = time_in_turn({kept, checkpointed}, options.rounds, options.device);
  row.kept = times[0], row.checkpointed = times[1];
  row.kept_memory_gib = peak_memory_gib(kept, options.device);
  row.checkpointed_memory_gib = peak_memory_gib(checkpointed, options.device);
  return row;
}

}  // namespace moca::benchmark
