#include "src/training/profile.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

int64_t count_in_trace(const std::filesystem::path& file, const std::string& operation) {
  const auto trace = nlohmann::json::parse(read_file(file));
  int64_t count = 0;
  for (const auto& event : trace.at("traceEvents")) {
    count += event.value("name", "") == operation ? 1 : 0;
  }
  return count;
}

TEST(Profile, OfARunHoldsTheOperationsOfAsManyStepsAsAreAskedFor) {
  const ToyRun run;
  auto config = toy_training();
  config.profile_steps = 2;
  run.train(ToyStage(), config);
  const auto file = run.path() / "trace_rank_0.json";
  EXPECT_EQ(count_in_trace(file, "aten::_fused_adamw_"), 2);
  EXPECT_EQ(count_in_trace(file, "aten::mse_loss"), 2);
}

TEST(Profile, BeginsAfterTheStepsThatWarmUp) {
  const ToyRun run;
  const auto file = run.path() / "trace.json";
  Profile profile(1, file);
  for (int64_t step = 0; step < kProfileWarmup + 2; ++step) {
    profile.step_begins();
    // The step after the warm-up adds, those around it multiply.
    const auto one = at::ones({2});
    const auto result = step == kProfileWarmup ? one.add(one) : one.mul(one);
    EXPECT_EQ(std::filesystem::exists(file), step > kProfileWarmup);
  }
  EXPECT_EQ(count_in_trace(file, "aten::add"), 1);
  EXPECT_EQ(count_in_trace(file, "aten::mul"), 0);
}

TEST(Profile, OfNoStepsWritesNothing) {
  const ToyRun run;
  Profile profile(0, run.path() / "trace.json");
  for (int64_t step = 0; step < 10; ++step) {
    profile.step_begins();
  }
  EXPECT_FALSE(std::filesystem::exists(run.path() / "trace.json"));
}

}  // namespace
}  // namespace moca::training
