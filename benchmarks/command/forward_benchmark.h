#pragma once

#include "attention_benchmark.h"

namespace moca::benchmarks {

// A row of Table 4: milliseconds of one block of each kind and of the whole forward, MoCA beside
// the dense baseline of the same sizes.
struct ForwardRow {
  int64_t components = 0;
  // MoCA. `routing` is part of its block: the router, the selection, and the plan that attention
  // makes of it, that one timed with a single token per component.
  Timing local_block, routing, global_block, total;
  Timing dense_local_block, dense_global_block, dense_total;
  double memory_gib = 0.0;
  double dense_memory_gib = 0.0;
  // A linear layer of 4096 tokens from 512 channels to 2048, and its floating point operations;
  // those of the whole forward (flop_count.h). What the machine's product reaches bounds the model.
  Timing product;
  double product_flops = 0.0, total_flops = 0.0;
};

ForwardRow time_forward(const BenchmarkOptions& options, int64_t num_components);

}  // namespace moca::benchmarks
