// One of two ranks fails, in any part of a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "moca/core/error.h"
#include "moca/training/trainer.h"
#include "tests/support/ranks.h"
#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

namespace fs = std::filesystem;
using distributed::ProcessGroup;
using ::testing::AllOf;
using ::testing::HasSubstr;

enum class FailsIn { kSetUp, kForward, kValidation };

// One of two ranks fails with an Error or in LibTorch; of a validation it is the first, which does
// it.
std::vector<testing::RankResult> train_and_fail(const fs::path& run, FailsIn phase, bool mistake) {
  const auto fail_at = [&](FailsIn where, bool now) {
    if (where == phase && now) {
      TORCH_CHECK(mistake, "out of luck");
      throw Error("out of luck");
    }
  };
  auto config = toy_training();
  config.micro_batches = 6;
  config.validate_every = 3;
  fs::create_directories(run);
  return testing::run_ranks(2, [&](ProcessGroup& group) -> std::string {
    std::unique_ptr<Trainer> trainer;
    ToyStage toy(
        [&](MicroBatch batch, const at::Tensor& loss) {
          fail_at(FailsIn::kForward, batch == MicroBatch{5, 1});
          return loss;
        },
        config.micro_batches);
    distributed::end_together(group, [&] {
      fail_at(FailsIn::kSetUp, group.rank() == 1);
      trainer = std::make_unique<Trainer>(toy, config, TrainingPlace{group, at::kCPU, run}, [&] {
        fail_at(FailsIn::kValidation, true);
        return NamedValues();
      });
      trainer->train();
    });
    return "finished";
  });
}

TEST(FailingRank, EndsAllWithinSecondsAndIsSaidOnce) {
  const testing::TemporaryFolder folder;
  const std::vector<std::pair<FailsIn, std::string>> phases = {
      {FailsIn::kSetUp, "rank 1, set-up: out of luck"},
      {FailsIn::kForward, "rank 1, forward of step 5, toys of step 5: out of luck"},
      {FailsIn::kValidation, "rank 0, validation of step 3: out of luck"}};
  for (const auto& [phase, text] : phases) {
    for (const bool mistake : {false, true}) {
      const size_t failing = phase == FailsIn::kValidation ? 0 : 1;
      const auto start = std::chrono::steady_clock::now();
      const auto results = train_and_fail(
          folder / std::to_string(static_cast<int>(phase) * 2 + (mistake ? 1 : 0)), phase, mistake);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      std::printf("%s: ended after %.1f s\n", text.c_str(), took.count());
      EXPECT_LT(took.count(), 10);
      EXPECT_THAT(results[failing].said, HasSubstr(text));
      EXPECT_EQ(results[failing].code, mistake ? 2 : 1);
      EXPECT_THAT(results[1 - failing].said,
                  AllOf(HasSubstr("rank " + std::to_string(failing) + " failed"),
                        ::testing::Not(HasSubstr("out of luck"))));
      EXPECT_EQ(results[1 - failing].code, 1);
      EXPECT_EQ(results[failing].said.find("out of luck"),
                results[failing].said.rfind("out of luck"));
    }
  }
}

}  // namespace
}  // namespace moca::training
