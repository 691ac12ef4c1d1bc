#include "benchmarks/command/forward_benchmark.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "benchmarks/command/step_benchmark.h"

namespace moca::benchmarks {
namespace {

const c10::Device kCpu(c10::kCPU);

void busy_for_ms(int64_t milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(Timing, CountsWaitingAsWallTimeOnly) {
  const auto timing =
      time_call([] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }, kCpu);
  EXPECT_GE(timing.wall_ms, 50.0);
  EXPECT_LT(timing.cpu_ms, 25.0);
}

TEST(Timing, CountsWorkAsBoth) {
  const auto timing = time_call([] { busy_for_ms(30); }, kCpu);
  EXPECT_GE(timing.wall_ms, 30.0);
  EXPECT_GT(timing.cpu_ms, 1.0);
}

TEST(Timing, CallsInTurnAndLeavesOutTheFirstRound) {
  std::vector<int> order;
  int64_t first_call_ms = 60;
  const auto slow_at_first = [&] {
    order.push_back(0);
    busy_for_ms(first_call_ms);
    first_call_ms = 0;
  };
  const auto times = time_in_turn({slow_at_first, [&] { order.push_back(1); }}, 3, kCpu);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 0, 1, 0, 1, 0, 1}));
  ASSERT_EQ(times.size(), 2U);
  EXPECT_LT(times[0].wall_ms, 30.0);
}

TEST(Timing, SeesTheMemoryThatACallNeeds) {
  const auto fill = [](size_t mib) {
    return [mib] {
      std::vector<char> memory(mib << 20U);
      for (size_t i = 0; i < memory.size(); i += 4096) {
        memory[i] = 1;
      }
    };
  };
  const double peak = peak_memory_gib(fill(256), kCpu);
  EXPECT_GT(peak, 0.2);
  EXPECT_LT(peak, 0.4);
  EXPECT_LT(peak_memory_gib(fill(1), kCpu), 0.1);  // the peak before is forgotten
}

BenchmarkOptions small_options() {
  BenchmarkOptions options;
  options.width = 32;
  options.num_heads = 2;
  options.num_layers = 3;
  options.num_tokens = 8;
  options.num_selected = 2;
  options.num_compressed_tokens = 2;
  options.num_image_tokens = 5;
  options.image_width = 16;
  options.rounds = 1;
  return options;
}

TEST(Benchmarks, TimeATrainingStepOfBothModels) {
  auto options = small_options();
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    options.type = type;
    const auto row = time_step(options, 4);
    EXPECT_EQ(row.components, 4);
    EXPECT_GT(row.dense.wall_ms, 0.0);
    EXPECT_GT(row.moca.wall_ms, 0.0);
    EXPECT_GT(row.checkpointed.wall_ms, 0.0);
  }
}

TEST(Benchmarks, TimeAttentionAndForwardAtAnySizeAndType) {
  auto options = small_options();
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    options.type = type;
    for (const int64_t N : {1, 2, 5}) {
      const auto attention = time_attention(options, N);
      EXPECT_EQ(attention.components, N);
      EXPECT_GT(attention.moc.wall_ms, 0.0);
      EXPECT_GT(attention.dense_training.wall_ms, 0.0);
      const auto forward = time_forward(options, N);
      EXPECT_EQ(forward.components, N);
      EXPECT_GT(forward.routing.wall_ms, 0.0);
      EXPECT_GT(forward.total.wall_ms, forward.routing.wall_ms);
      EXPECT_GT(forward.dense_total.wall_ms, 0.0);
    }
  }
}

}  // namespace
}  // namespace moca::benchmarks
