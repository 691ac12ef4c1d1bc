#pragma once

#include "attention_benchmark.h"

namespace moca::benchmarks {

// A whole training step on one asset: forward, loss, backward, clipping, AdamW, averaged weights;
// of the dense baseline, of MoCA, and of MoCA with activation checkpointing.
struct StepRow {
  int64_t components = 0;
  Timing dense, moca, checkpointed;
  // On top of weights, moments and averages; gradients included.
  double dense_memory_gib = 0.0;
  double moca_memory_gib = 0.0;
  double checkpointed_memory_gib = 0.0;
};

// bf16 by autocast over float weights, as in training.
StepRow time_step(const BenchmarkOptions& options, int64_t num_components);

}  // namespace moca::benchmarks
