#include "src/training/dit_measurements.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

#include "moca/core/generator.h"
#include "tests/support/tiny_models.h"

namespace moca::training {
namespace {

std::map<std::string, double> taken(Measurements& measurements) {
  distributed::ProcessGroup alone;
  const auto values = measurements.take(alone);
  return {values.begin(), values.end()};
}

// Three assets of two components with a token of one channel, whose velocities are 0.
flow::NoisySample at_levels(const std::vector<double>& levels) {
  const auto none = at::zeros({3, 2, 1, 1});
  return {at::tensor(levels), none, none};
}

TEST(DitMeasurements, TellTheLossOfEveryAssetUnderItsNoiseLevel) {
  Measurements measurements(dit_measurement_names());
  // Squared errors 1, 4 and 9 of the components that there are.
  const auto velocity = at::tensor({1.0, 1.0, 2.0, 50.0, 3.0, 3.0}).view({3, 2, 1, 1});
  const auto mask = at::tensor({1, 1, 1, 0, 1, 1}).view({3, 2}).to(at::kBool);
  measure_losses(measurements, at_levels({0.1, 0.3, 1.0}), velocity, mask);
  measure_losses(measurements, at_levels({0.2, 0.4, 0.9}), velocity, mask);
  EXPECT_THAT(taken(measurements),
              ::testing::ElementsAre(::testing::Pair("components", 5.0),
                                     ::testing::Pair("loss_at_noise_0.00_to_0.25", 1.0),
                                     ::testing::Pair("loss_at_noise_0.25_to_0.50", 4.0),
                                     ::testing::Pair("loss_at_noise_0.75_to_1.00", 9.0)));
}

// The DiT after it has seen an asset of as many components.
dit::MocaDit routed(int64_t num_components) {
  torch::manual_seed(2);
  dit::MocaDit dit(testing::tiny_dit_config(), 4, dit::ConditionKinds{{"image", 8}});
  const torch::NoGradGuard no_grad;
  auto generator = generator_for(1, "routers");
  dit::DitInput input;
  input.noisy_latents = at::randn({1, num_components, 8, 4}, generator, at::TensorOptions());
  input.noise_level = at::full({1}, 0.5);
  const auto image = at::randn({1, 3, 8}, generator, at::TensorOptions());
  input.conditions = {{.name = "image", .tokens = image}};
  input.component_ids = at::arange(num_components).unsqueeze(0);
  input.component_mask = at::ones({1, num_components}, at::kBool);
  dit->forward(input, generator);
  return dit;
}

TEST(DitMeasurements, TellWhatRoutersDidOfTwoComponentsAndMore) {
  Measurements measurements(dit_measurement_names());
  measure_routers(measurements, routed(5));
  const auto measured = taken(measurements);
  EXPECT_GT(measured.at("router_importance"), 0.0);
  EXPECT_LT(measured.at("router_importance"), 1.0);
  EXPECT_GT(measured.at("router_entropy"), 0.0);
  EXPECT_GE(measured.at("router_load"), 1.0 - 1e-6);
  measure_routers(measurements, routed(1));
  EXPECT_TRUE(taken(measurements).empty()) << "one component has no others";
}

}  // namespace
}  // namespace moca::training
