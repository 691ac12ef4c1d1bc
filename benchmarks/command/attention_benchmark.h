#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <vector>

#include "timing.h"

namespace moca::benchmarks {

// Sizes of the models that are timed; defaults are those of the bars in benchmarks/README.md.
struct BenchmarkOptions {
  std::vector<int64_t> components = {4, 8, 16, 32, 64};  // N, one row each (Table 4)
  int64_t width = 512;                                   // D
  int64_t num_heads = 8;                                 // H
  int64_t num_layers = 5;                                // every even block is global
  int64_t num_tokens = 512;                              // L
  int64_t num_selected = 3;                              // k
  int64_t num_compressed_tokens = 64;                    // M
  int64_t num_image_tokens = 257;                        // T (DINOv2 at 224 pixels)
  int64_t image_width = 1024;                            // DINOv2-Large's
  at::ScalarType type = at::kFloat;
  c10::Device device{c10::kCPU};
  int64_t rounds = 5;
};

// Attention alone, of one global block: MoC beside our dense one, and that beside LibTorch's on the
// same tokens, which it gets laid out as it likes them.
struct AttentionRow {
  int64_t components = 0;
  Timing dense, moc, sdpa;                             // forward
  Timing dense_training, moc_training, sdpa_training;  // forward and backward
  double moc_memory_gib = 0.0;                         // of forward and backward
  double dense_memory_gib = 0.0;
};

AttentionRow time_attention(const BenchmarkOptions& options, int64_t num_components);

}  // namespace moca::benchmarks
