#include "moca/config/choice.h"

#include <gmock/gmock.h>

#include "moca/config/schema.h"
#include "tests/support/refusal.h"

namespace moca::config::testing {
namespace {

using moca::testing::refusal;
using ::testing::HasSubstr;

struct Lamp {
  int64_t watts = 40;
  static void fields(auto& self, auto&& v) { v("watts", self.watts, "power", at_least(1)); }
};

struct Candle {
  std::string colour = "white";
  static void fields(auto& self, auto&& v) { v("colour", self.colour, "of the wax"); }
};

struct Room {
  int64_t doors = 1;
  Choice light = Choice({{"lamp", "electric", Lamp()}, {"candle", "with a flame", Candle()}});

  static void fields(auto& self, auto&& v) {
    v("doors", self.doors, "ways in");
    v("light", self.light);
  }
};

std::string refusal_of(const std::string& yaml) {
  return refusal([&] { parse<Room>(yaml, "room.yaml"); });
}

TEST(Choice, IsTheFirstOptionWhereNothingIsSaid) {
  EXPECT_EQ(Room().light.name, "lamp");
  EXPECT_EQ(Room().light.settings<Lamp>().watts, 40);
}

TEST(Choice, ReadsTheNameAndTheSectionsOfAllOptions) {
  const auto room = parse<Room>("{light: candle, candle: {colour: red}, lamp: {watts: 60}}", "r");
  EXPECT_EQ(room.light.settings<Candle>().colour, "red");
  EXPECT_THAT(dump(room), HasSubstr("light: candle\nlamp:\n  watts: 60\ncandle:\n  colour: red\n"));
  EXPECT_EQ(dump(parse<Room>(dump(room), "r")), dump(room));
}

TEST(Choice, OfACopyIsItsOwn) {
  const Room room;
  auto copy = room;
  set(copy, {"lamp.watts=7"});
  EXPECT_EQ(copy.light.settings<Lamp>().watts, 7);
  EXPECT_EQ(room.light.settings<Lamp>().watts, 40);
}

struct House {
  Room hall, attic;
  static void fields(auto& self, auto&& v) {
    v("hall", self.hall, "below", kMayChangeWithInputs);
    v("attic", self.attic, "above");
  }
};

TEST(Choice, OfASectionThatMayChangeMayChangeWithItsOptions) {
  House other;
  set(other, {"hall.light=candle", "hall.lamp.watts=7", "attic.lamp.watts=7"});
  const auto found = differences(House(), other);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].may_change, MayChange::kWithInputs) << found[0].path;
  EXPECT_EQ(found[1].may_change, MayChange::kWithInputs) << found[1].path;
  EXPECT_EQ(found[2].may_change, MayChange::kNo) << found[2].path;
}

TEST(Choice, StaysBoundWhenTheConfigIsAssigned) {
  Room room;
  auto binding = bind(room);
  auto other = room;
  set(other, {"light=candle", "candle.colour=red", "lamp.watts=7"});
  room = other;
  EXPECT_EQ(write_yaml(binding), dump(other));
  room = Room(other);
  EXPECT_EQ(write_yaml(binding), dump(other));
  apply_overrides(binding, {"candle.colour=blue"});
  EXPECT_EQ(room.light.settings<Candle>().colour, "blue");
}

TEST(Choice, IsDescribedByItsOptions) {
  const auto settings = describe(Room());
  ASSERT_EQ(settings.size(), 4U);
  EXPECT_EQ(settings[1].rule, "one of {lamp, candle}");
  EXPECT_EQ(settings[1].help, "lamp: electric; candle: with a flame");
  EXPECT_EQ(settings[3].path, "candle.colour");
}

TEST(Choice, RefusesAnUnknownNameWithTheNearest) {
  EXPECT_EQ(refusal_of("light: candel"),
            "room.yaml:1: light must be one of {candle, lamp}, got 'candel'. Did you mean "
            "'candle'?");
}

TEST(Choice, HoldsTheSectionsToTheirRules) {
  EXPECT_THAT(refusal_of("lamp: {wats: 3}"), HasSubstr("Did you mean 'lamp.watts'?"));
  EXPECT_THAT(refusal_of("lamp: {watts: 0}"), HasSubstr("lamp.watts must be at least 1, got 0"));
  EXPECT_THAT(refusal_of("torch: {}"), HasSubstr("unknown setting 'torch'"));
}

TEST(Choice, WarnsOfAnOverrideOfAnOptionThatIsNotChosen) {
  Room room;
  ::testing::internal::CaptureStderr();
  set(room, {"candle.colour=red", "light=candle"});
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ::testing::internal::CaptureStderr();
  set(room, {"lamp.watts=7"});
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("override 'lamp.watts=7' is not read: light is candle. Set light=lamp as "
                        "well."));
}

TEST(Choice, KnowsWhoseSettingIsNotUsed) {
  const Room room;
  EXPECT_EQ(room.light.unchosen_owner("candle.colour"), "candle");
  EXPECT_EQ(room.light.unchosen_owner("lamp.watts"), "");
  EXPECT_EQ(room.light.unchosen_owner("doors"), "");
}

}  // namespace
}  // namespace moca::config::testing
