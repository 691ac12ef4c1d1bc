#include "moca/evaluation/metric_config.h"

#include <gtest/gtest.h>

#include "moca/config/schema.h"
#include "moca/core/error.h"

namespace moca::evaluation {
namespace {

TEST(MetricConfig, ReadsItsSettingsAndRefusesWrongOnes) {
  const auto config = config::parse<MetricConfig>(
      "{alignment: yaw4, chamfer: mean_l2, thresholds: [0.02], num_points: 7}", "metrics.yaml");
  EXPECT_EQ(config.alignment, Alignment::kYaw4);
  EXPECT_EQ(config.chamfer, ChamferForm::kMeanL2);
  EXPECT_EQ(config.thresholds, std::vector<double>{0.02});
  EXPECT_EQ(config.num_points, 7);
  EXPECT_THROW(config::parse<MetricConfig>("{num_points: 0}", "metrics.yaml"), Error);
  EXPECT_THROW(config::parse<MetricConfig>("{thresholds: [0]}", "metrics.yaml"), Error);
  EXPECT_THROW(config::parse<MetricConfig>("{alignment: yaw5}", "metrics.yaml"), Error);
  EXPECT_THROW(config::parse<MetricConfig>("{thresholds: []}", "metrics.yaml"), Error);
  EXPECT_THROW(config::parse<MetricConfig>("{thresholds: [0.1, 0.1]}", "metrics.yaml"), Error);
}

}  // namespace
}  // namespace moca::evaluation
