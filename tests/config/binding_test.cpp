#include "moca/config/binding.h"

#include <gmock/gmock.h>

#include "tests/config/example_config.h"

namespace moca::config::testing {
namespace {

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

TEST(Binding, OfAStructThatListsAllItsMembersIsMade) {
  Empty empty;
  EXPECT_THAT(bind(empty).settings, ::testing::IsEmpty());
  ExampleConfig example;
  EXPECT_EQ(bind(example).sections.back().path, "");
}

TEST(Binding, OfAStructThatForgetsAMemberIsOurMistake) {
  Outer outer;
  try {
    bind(outer);
    FAIL() << "the forgotten member was not noticed";
  } catch (const std::logic_error& mistake) {
    EXPECT_STREQ(mistake.what(), "the config section 'inner' has 2 members and lists 1");
  }
}

}  // namespace
}  // namespace moca::config::testing
