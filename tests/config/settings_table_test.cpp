#include "moca/config/schema.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "moca/config/schema.h"
#include "tests/config/example_config.h"

namespace moca::config::testing {
namespace {

using ::testing::HasSubstr;

SettingInfo info_of(const std::string& path) {
  for (const SettingInfo& info : describe(ExampleConfig())) {
    if (info.path == path) {
      return info;
    }
  }
  throw std::logic_error("no setting " + path);
}

TEST(SettingsTable, KnowsTypeDefaultRuleAndHelp) {
  const SettingInfo selected = info_of("model.router.num_selected");
  EXPECT_EQ(selected.type, "whole number");
  EXPECT_EQ(selected.default_value, "4");
  EXPECT_EQ(selected.rule, "at least 0");
  EXPECT_EQ(selected.help, "components seen in full");
  EXPECT_EQ(info_of("model.router.activation").rule, "one of {sigmoid, softmax}");
  EXPECT_EQ(info_of("train.optimizer.betas").type, "list of numbers");
  EXPECT_EQ(info_of("train.optimizer.betas").rule, "in [0, 1]");
  EXPECT_EQ(info_of("train.precision").rule, "one of {16, 32}");
  EXPECT_EQ(info_of("split").rule, "one of {train, test}");
  EXPECT_EQ(info_of("title").rule, "");
}

TEST(SettingsTable, KnowsWhatMayChangeBySettingAndBySection) {
  EXPECT_EQ(info_of("train.max_steps").may_change, MayChange::kYes);
  EXPECT_EQ(info_of("train.optimizer.betas").may_change, MayChange::kYes)
      << "of a section everything";
  EXPECT_EQ(info_of("train.precision").may_change, MayChange::kNo);
  EXPECT_EQ(info_of("model.width").may_change, MayChange::kNo);
  const std::string text = settings_markdown(describe(ExampleConfig()));
  EXPECT_THAT(text, HasSubstr("| whole number at most 1000000; may change | steps in all |\n"));
  EXPECT_THAT(text, HasSubstr("| one of {16, 32} | bits of a number |\n"));
}

TEST(SettingsTable, DifferencesSayWhetherTheyMayBe) {
  ExampleConfig other;
  other.train.optimizer.learning_rate = 1;
  other.train.precision = 16;
  const auto found = differences(ExampleConfig(), other);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].path, "train.precision");
  EXPECT_EQ(found[0].may_change, MayChange::kNo);
  EXPECT_EQ(found[1].path, "train.optimizer.learning_rate");
  EXPECT_EQ(found[1].may_change, MayChange::kYes);
}

TEST(SettingsTable, ShowsTheValuesItIsGiven) {
  ModelConfig config;
  config.width = 2048;
  EXPECT_EQ(describe(config).front().default_value, "2048");
}

TEST(SettingsTable, TextColumnsAreAligned) {
  const std::string text = settings_text(describe(ExampleConfig()));
  std::istringstream lines(text);
  size_t column = std::string::npos;
  size_t counted = 0;
  for (std::string line; std::getline(lines, line);) {
    for (const SettingInfo& info : describe(ExampleConfig())) {
      const size_t at = line.rfind("  " + info.help);
      if (at != std::string::npos && at + 2 + info.help.size() == line.size()) {
        column = std::min(column, at);
        EXPECT_EQ(at, column) << text;
        ++counted;
      }
    }
  }
  EXPECT_EQ(counted, describe(ExampleConfig()).size());
  EXPECT_THAT(text, HasSubstr("\nmodel.router\n"));
}

TEST(SettingsTable, ASectionStandsOnceThoughItsSettingsAreSplit) {
  const std::string text = settings_text(describe(ExampleConfig()));
  EXPECT_EQ(text.find("\nmodel\n"), text.rfind("\nmodel\n"));
  EXPECT_LT(text.find("global_blocks"), text.find("\nmodel.router\n"));
}

TEST(SettingsTable, MarkdownHasARowPerSettingAndEscapesBars) {
  const std::string text = settings_markdown(describe(ExampleConfig()));
  EXPECT_THAT(text, HasSubstr("## `model.router`\n"));
  EXPECT_THAT(text,
              HasSubstr("| `num_selected` | `4` | whole number at least 0 | components seen in "
                        "full |\n"));
  EXPECT_THAT(text, HasSubstr("| `precision` | `32` | one of {16, 32} | bits of a number |\n"));
  EXPECT_THAT(text, HasSubstr("shown \\| in the report"));
}

}  // namespace
}  // namespace moca::config::testing
