#pragma once

#include "moca/benchmark/attention_benchmark.h"

namespace moca::benchmark {

// Forward, loss and backward of the MoCA DiT of one asset, without the optimiser: with what every
// block computes kept for the backward pass, and with activation checkpointing.
struct StepRow {
  int64_t components = 0;
  Timing kept, checkpointed;
  double kept_memory_gib = 0.0;  // on top of the weights; gradients included
  double checkpointed_memory_gib = 0.0;
};

StepRow time_step(const BenchmarkOptions& options, int64_t num_components);

}  // namespace moca::benchmark
