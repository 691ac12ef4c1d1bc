#pragma once

#include "attention_benchmark.h"
#include "moca/dit/moca_dit.h"

namespace moca::benchmarks {

inline constexpr int64_t kLatentChannels = 64;  // TripoSG

// The model of these sizes; every even block is global.
dit::DitConfig config_of(const BenchmarkOptions& options, dit::GlobalAttentionKind kind);

at::Tensor draw(const BenchmarkOptions& options, at::IntArrayRef sizes, const char* purpose);

// One asset of N components, all present, with an image.
dit::DitInput one_asset(const BenchmarkOptions& options, int64_t num_components);

}  // namespace moca::benchmarks
