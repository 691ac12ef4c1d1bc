#include "moca/config/choice.h"

#include <gmock/gmock.h>

#include "tests/config/example_config.h"

namespace moca::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Empty {
  static void fields(auto&, auto&&) {}
};

struct Forgetful {
  int64_t listed = 0;
  std::string forgotten;
  static void fields(auto& self, auto&& v) { v("listed", self.listed, ""); }
};

struct Outer {
  double value = 0;
  Forgetful inner;
  static void fields(auto& self, auto&& v) {
    v("value", self.value, "");
    v("inner", self.inner, "");
  }
};

static_assert(arity<Empty>() == 0);
static_assert(arity<Forgetful>() == 2);
static_assert(arity<RouterConfig>() == 3);
static_assert(arity<ModelConfig>() == 4);
static_assert(arity<ExampleConfig>() == 5);

TEST(Arity, EqualsTheFieldsOfACompleteStruct) {
  EXPECT_EQ(listed<ModelConfig>(), arity<ModelConfig>());
  EXPECT_EQ(listed<Empty>(), arity<Empty>());
  EXPECT_THAT(miscounted_sections<ExampleConfig>(), IsEmpty());
}

TEST(Arity, FindsAForgottenFieldInAnInnerSection) {
  EXPECT_EQ(listed<Forgetful>(), 1U);
  EXPECT_THAT(miscounted_sections<Outer>(), ElementsAre("config.inner has 2 members and lists 1"));
}

}  // namespace
}  // namespace moca::config::testing
