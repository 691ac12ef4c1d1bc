#include "moca/generation/adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/config/schema.h"
#include "tests/support/refusal.h"
#include "tests/support/tiny_models.h"

namespace moca::generation {
namespace {

using ::testing::HasSubstr;
using testing::refusal;

struct TiltConfig {
  double angle = 1;

  static void fields(auto& self, auto&& v) { v("angle", self.angle, "how far it tilts"); }
};

// A kind that this program adds, once: it trains one more parameter and cannot be merged.
void register_tilt() {
  static const bool once = [] {
    register_adapter({{"tilt", "one parameter more", TiltConfig()},
                      [](ComponentDenoiser& denoiser, const AdapterConfig& config) {
                        for (auto& parameter : denoiser->parameters()) {
                          parameter.set_requires_grad(false);
                        }
                        const double angle = config.kind.settings<TiltConfig>().angle;
                        denoiser->register_parameter("tilt", at::full({1}, angle));
                      }});
    return true;
  }();
  static_cast<void>(once);
}

AdapterConfig parsed(const std::vector<std::string>& overrides) {
  return config::parse<AdapterConfig>("{}", "adapter.yaml", overrides);
}

ComponentDenoiser tiny() {
  return ComponentDenoiser(testing::tiny_dit_config(), testing::tiny_image_encoder_config(), 4);
}

TEST(Adapter, OfAKindThatTheProgramAddsIsChosenByItsNameWithItsOwnSettings) {
  register_tilt();
  auto denoiser = tiny();
  attach_adapter(denoiser, parsed({"kind=tilt", "tilt.angle=3"}));
  size_t trained = 0;
  for (const auto& parameter : denoiser->parameters()) {
    trained += parameter.requires_grad() ? 1 : 0;
  }
  EXPECT_EQ(trained, 1U);
  EXPECT_EQ(denoiser->named_parameters()["tilt"].item<double>(), 3);
}

TEST(Adapter, ThatCannotBeMergedSaysSo) {
  register_tilt();
  auto denoiser = tiny();
  const auto config = parsed({"kind=tilt"});
  attach_adapter(denoiser, config);
  EXPECT_THAT(refusal([&] { merge_adapter(denoiser, config); }),
              HasSubstr("adapter.kind tilt cannot be merged"));
}

TEST(Adapter, OfAnUnknownKindIsAnsweredByTheNearest) {
  EXPECT_THAT(refusal([] { parsed({"kind=lore"}); }), HasSubstr("Did you mean 'lora'?"));
}

TEST(Adapter, LoraWithoutTargetsIsRefused) {
  EXPECT_THAT(refusal([] { parsed({"kind=lora"}); }),
              HasSubstr("targets is empty, but adapter.kind is lora: name the layers"));
  EXPECT_EQ(parsed({"kind=none"}).kind.name, "none");
}

TEST(Adapter, LoraIsMergedIntoTheDenoisersOwnWeights) {
  auto denoiser = tiny();
  const auto config = parsed({"kind=lora", "lora.targets=[attn1.to_q]"});
  const auto before = denoiser->parameters().size();
  attach_adapter(denoiser, config);
  EXPECT_GT(denoiser->parameters().size(), before);
  merge_adapter(denoiser, config);
  EXPECT_EQ(denoiser->parameters().size(), before);
}

}  // namespace
}  // namespace moca::generation
