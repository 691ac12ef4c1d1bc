#include "src/training/metrics_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "moca/core/file_io.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca::training {
namespace {

class MetricsFile : public ::testing::Test {
 protected:
  void record(int64_t last_step, const std::vector<std::pair<int64_t, double>>& losses) const {
    MetricsLog log(folder_.path(), last_step);
    for (const auto& [step, loss] : losses) {
      log.record(step, {{"loss", loss}});
    }
  }
  std::filesystem::path file() const { return folder_ / "metrics.jsonl"; }

  testing::TemporaryFolder folder_;
};

TEST_F(MetricsFile, HoldsOneObjectALineInTheOrderGiven) {
  MetricsLog(folder_.path(), 0)
      .record(7, {{"loss", 0.5}, {"gradient_norm", 2.0}, {"minutes", 0.25}});
  EXPECT_EQ(read_file(file()),
            "{\"step\":7,\"loss\":0.5,\"gradient_norm\":2.0,\"minutes\":0.25}\n");
}

TEST_F(MetricsFile, IsReadableWhileTheRunGoesOn) {
  MetricsLog log(folder_.path(), 0);
  log.record(1, {{"loss", 0.5}});
  EXPECT_EQ(read_file(file()), "{\"step\":1,\"loss\":0.5}\n");
}

TEST_F(MetricsFile, WritesNullForWhatIsNotFinite) {
  record(0, {{1, std::nan("")}, {2, std::numeric_limits<double>::infinity()}});
  EXPECT_EQ(read_file(file()), "{\"step\":1,\"loss\":null}\n{\"step\":2,\"loss\":null}\n");
}

TEST_F(MetricsFile, DropsTheLinesOfStepsThatAreDoneAgain) {
  record(0, {{1, 0.5}, {2, 1.0}, {3, 1.5}, {4, 2.0}});
  record(2, {{3, 9.0}});
  EXPECT_EQ(read_file(file()),
            "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":1.0}\n{\"step\":3,\"loss\":9.0}\n");
}

TEST_F(MetricsFile, DropsALineThatAKillCutShort) {
  record(0, {{1, 0.5}});
  write_file(file(), read_file(file()) + "{\"step\": 2, \"lo");
  record(5, {{3, 1.5}});
  EXPECT_EQ(read_file(file()), "{\"step\":1,\"loss\":0.5}\n{\"step\":3,\"loss\":1.5}\n");
}

TEST_F(MetricsFile, RefusesAPlaceThatCannotBeWritten) {
  EXPECT_THAT(testing::refusal([&] { MetricsLog(folder_ / "no/such", 0); }),
              ::testing::HasSubstr("cannot write " + (folder_ / "no/such/metrics.jsonl").string()));
}

}  // namespace
}  // namespace moca::training
