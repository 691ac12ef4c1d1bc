#include "moca/generation/conditioner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/config/schema.h"
#include "tests/support/refusal.h"

namespace moca::generation {
namespace {

struct PlaceConfig {
  int64_t width = 3;

  static void fields(auto& self, auto&& v) { v("width", self.width, "of a token"); }
};

// Where every component is.
class PlaceTokens : public Conditioner {
 public:
  explicit PlaceTokens(int64_t width) : width_(width) {}
  std::string name() const override { return "places"; }
  dit::DitSizes::ConditionSize size() const override {
    return {1, width_, dit::ConditionScope::kComponent};
  }
  at::Tensor input(const data::PreparedDataset&, int64_t, int64_t) const override { return {}; }
  at::Tensor input(const Request& request) const override { return request.inputs.at(name()); }
  dit::Condition condition(const at::Tensor& inputs, const at::Tensor&) override {
    return {name(), dit::ConditionScope::kComponent, inputs};
  }
  double flops(int64_t, int64_t) const override { return 0; }

 private:
  int64_t width_;
};

TEST(ConditionConfig, ChoosesAKindThatTheProgramAddsWithItsOwnSettings) {
  EXPECT_TRUE(make_conditioners(ConditionConfig()).empty());
  register_condition(
      {{"places", "where every component is", PlaceConfig()}, [](const config::Choice& kind) {
         return std::make_shared<PlaceTokens>(kind.settings<PlaceConfig>().width);
       }});
  const auto parsed = [](const std::vector<std::string>& overrides) {
    return config::parse<ConditionConfig>("{}", "condition.yaml", overrides);
  };
  const auto made = make_conditioners(parsed({"kind=places", "places.width=5"}));
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0]->size().width, 5);
  EXPECT_THAT(testing::refusal([&] { parsed({"kind=place"}); }),
              ::testing::HasSubstr("Did you mean 'places'?"));
}

}  // namespace
}  // namespace moca::generation
