#include "moca/generation/component_denoiser.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/tiny_models.h"

namespace moca::generation {
namespace {

TEST(ComponentDenoiser, HoldsTheDitTheEncoderAndTheStatistics) {
  const ComponentDenoiser denoiser(testing::tiny_dit_config(), testing::tiny_image_encoder_config(),
                                   4);
  std::set<std::string> parts;
  for (const auto& item : denoiser->named_children()) {
    parts.insert(item.key());
    EXPECT_GT(item.value()->parameters().size() + item.value()->buffers().size(), 0U) << item.key();
  }
  EXPECT_THAT(parts, ::testing::ElementsAre("dit", "image_encoder", "latent_statistics"));
}

TEST(ComponentDenoiser, FreezesAnEncoderThatIsNotTrained) {
  for (const bool trainable : {false, true}) {
    auto config = testing::tiny_image_encoder_config();
    config.trainable = trainable;
    const ComponentDenoiser denoiser(testing::tiny_dit_config(), config, 4);
    for (const auto& item : denoiser->named_parameters()) {
      const bool of_encoder = item.key().rfind("image_encoder.", 0) == 0;
      EXPECT_EQ(item.value().requires_grad(), trainable || !of_encoder) << item.key();
    }
  }
}

// Where every component is: one token of its centre. Requests say it, datasets know it.
class Places : public Conditioner {
 public:
  std::string name() const override { return "places"; }
  dit::DitSizes::ConditionSize size() const override {
    return {1, 3, dit::ConditionScope::kComponent};
  }
  at::Tensor input(const data::PreparedDataset& dataset, int64_t asset, int64_t) const override {
    const int64_t N = dataset.records()[asset].num_components();
    std::vector<at::Tensor> centers;
    for (int64_t component = 0; component < N; ++component) {
      centers.push_back(dataset.surface(asset, component).points.mean(0, /*keepdim=*/true));
    }
    return at::stack(centers);  // [N, 1, 3]
  }
  at::Tensor input(const Request& request) const override { return request.inputs.at(name()); }
  dit::Condition condition(const at::Tensor& inputs, const at::Tensor&) override {
    return {name(), dit::ConditionScope::kComponent, inputs};
  }
  double flops(int64_t, int64_t) const override { return 0; }
};

TEST(ComponentDenoiser, GivesTheDitWhatEveryConditionerMakes) {
  torch::manual_seed(3);
  ComponentDenoiser denoiser(testing::tiny_dit_config(), testing::tiny_image_encoder_config(), 4,
                             std::vector<std::shared_ptr<Conditioner>>{std::make_shared<Places>()});
  denoiser->eval();
  const torch::NoGradGuard no_grad;
  const auto mask = at::ones({1, 2}, at::kBool);
  const auto velocity = [&](const at::Tensor& places) {
    dit::DitInput input;
    input.noisy_latents = at::ones({1, 2, 5, 4});
    input.noise_level = at::ones({1});
    input.component_ids = at::arange(2).unsqueeze(0);
    input.component_mask = mask;
    input.conditions = denoiser->conditions({at::zeros({1, 3, 16, 16}), places}, mask);
    return denoiser->velocity(input);
  };
  const auto places = at::tensor({0.0, 0.0, 1.0, 1.0, 0.0, 0.0}, at::kFloat).view({1, 2, 1, 3});
  EXPECT_FALSE(at::equal(velocity(places), velocity(places.flip(1))));
}

}  // namespace
}  // namespace moca::generation
