#include "moca/config/schema.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <limits>
#include <random>

#include "tests/config/example_config.h"

namespace moca::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ExampleConfig parsed(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse<ExampleConfig>(text, "run.yaml", overrides);
}

TEST(Schema, AnEmptyFileLeavesEveryDefault) {
  EXPECT_EQ(parsed(""), ExampleConfig());
  EXPECT_EQ(parsed("# only a comment\n"), ExampleConfig());
  EXPECT_EQ(parsed("model:\ntrain:\n  optimizer:\n"), ExampleConfig());
}

TEST(Schema, ReadsEveryKindOfField) {
  const ExampleConfig config = parsed(R"(
title: plain words
split: test
folders: [x, "1"]
model:
  router: {num_selected: 0, activation: softmax, stochastic: false}
  global_blocks: []
train:
  max_steps: +7
  condition_dropout: 1
  optimizer:
    learning_rate: 5e-5
    betas:
      - 0.5
      - .25
)");
  EXPECT_EQ(config.title, "plain words");
  EXPECT_EQ(config.split, "test");
  EXPECT_THAT(config.folders, ElementsAre("x", "1"));
  EXPECT_EQ(config.model.router.num_selected, 0);
  EXPECT_EQ(config.model.router.activation, Activation::kSoftmax);
  EXPECT_FALSE(config.model.router.stochastic);
  EXPECT_THAT(config.model.global_blocks, IsEmpty());
  EXPECT_EQ(config.model.width, 64);
  EXPECT_EQ(config.train.max_steps, 7);
  EXPECT_EQ(config.train.condition_dropout, 1.0);
  EXPECT_EQ(config.train.optimizer.learning_rate, 5e-5);
  EXPECT_THAT(config.train.optimizer.betas, ElementsAre(0.5, 0.25));
}

TEST(Schema, OverridesWinOverTheFile) {
  const ExampleConfig config =
      parsed("model: {width: 32}\ntitle: file\n",
             {"model.width=128", "title=a = b: [c]", "model.router.activation=softmax",
              "model.global_blocks=[1, 3]", "folders=[]", "train.optimizer.betas=[1e-1,0.2]"});
  EXPECT_EQ(config.model.width, 128);
  EXPECT_EQ(config.title, "a = b: [c]");
  EXPECT_EQ(config.model.router.activation, Activation::kSoftmax);
  EXPECT_THAT(config.model.global_blocks, ElementsAre(1, 3));
  EXPECT_THAT(config.folders, IsEmpty());
  EXPECT_THAT(config.train.optimizer.betas, ElementsAre(0.1, 0.2));
  EXPECT_EQ(parsed("", {"title="}).title, "");
}

TEST(Schema, KnowsWhichSettingsFileAndOverridesAssign) {
  ExampleConfig config;
  Binding binding = bind(config);
  read_file(binding, "model: {router: {stochastic: true}}\n", "run.yaml");
  apply_overrides(binding, {"train.max_steps=3"});
  for (const char* assigned :
       {"model", "model.router", "model.router.stochastic", "train", "train.max_steps"}) {
    EXPECT_TRUE(binding.is_assigned(assigned)) << assigned;
  }
  for (const char* left_out : {"title", "model.width", "model.router.num_selected",
                               "train.optimizer", "train.max", "nothing"}) {
    EXPECT_FALSE(binding.is_assigned(left_out)) << left_out;
  }
}

TEST(Schema, AnAnchorMayBeReused) {
  const ExampleConfig config = parsed("title: &word test\nsplit: *word\n");
  EXPECT_EQ(config.split, "test");
}

TEST(Schema, BaseIsReadFirstAndTheFileOverIt) {
  const TemporaryFolder folder;
  folder.write("root.yaml", "title: root\nmodel: {width: 8, num_heads: 2}\n");
  folder.write("middle.yaml", "base: root.yaml\nmodel: {width: 16}\n");
  const auto file = folder.write("deep/top.yaml", "split: test\nbase: ../middle.yaml\n");
  const auto config = load<ExampleConfig>(file, {"model.router.num_selected=2"});
  EXPECT_EQ(config.title, "root");
  EXPECT_EQ(config.split, "test");
  EXPECT_EQ(config.model.width, 16);
  EXPECT_EQ(config.model.num_heads, 2);
  EXPECT_EQ(config.model.router.num_selected, 2);
}

TEST(Schema, OfSeveralBasesTheLaterWins) {
  const TemporaryFolder folder;
  folder.write("root.yaml", "title: root\n");
  folder.write("data.yaml", "base: root.yaml\nsplit: test\nmodel: {width: 8}\n");
  folder.write("model.yaml", "base: root.yaml\nmodel: {width: 16}\n");
  const auto file = folder.write("top.yaml", "base: [data.yaml, model.yaml]\n");
  const auto config = load<ExampleConfig>(file, {});
  EXPECT_EQ(config.title, "root");
  EXPECT_EQ(config.split, "test");
  EXPECT_EQ(config.model.width, 16);
  const auto turned = folder.write("turned.yaml", "base: [model.yaml, data.yaml]\n");
  EXPECT_EQ(load<ExampleConfig>(turned, {}).model.width, 8);
}

TEST(Schema, AListReplacesTheListOfTheBase) {
  const TemporaryFolder folder;
  folder.write("root.yaml", "folders: [a, b, c]\n");
  const auto file = folder.write("top.yaml", "base: root.yaml\nfolders: [d]\n");
  EXPECT_THAT(load<ExampleConfig>(file).folders, ElementsAre("d"));
}

TEST(Schema, RulesAcrossFieldsSeeTheFinalValues) {
  EXPECT_EQ(error_of([] { parsed("model: {width: 30}"); }),
            "run.yaml: model.width (30) must be a multiple of model.num_heads (4).");
  EXPECT_EQ(parsed("model: {width: 30}", {"model.num_heads=3"}).model.width, 30);
}

TEST(Schema, DumpThenLoadIsTheIdentity) {
  ExampleConfig config;
  EXPECT_EQ(parsed(dump(config)), config);
  config.title = "two\nlines\tand \\ \"quotes\": #{[,'&*!|>%@` \xc3\xa9";
  config.folders = {
      "",     "null", "~",   "true",    "12",           "-",        "a: b",
      "a #b", " x ",  "NO",  "1e3",     ".inf",         "---",      "...",
      "[a]",  "@x",   "? y", "a.b/c-d", "\xe2\x80\xa8", "\xc2\x85", "\xf0\x9f\x99\x82",
      "'",    "base", "x:"};
  config.model.router.activation = Activation::kSoftmax;
  config.model.global_blocks = {0, std::numeric_limits<int64_t>::max()};
  config.train.max_steps = std::numeric_limits<int64_t>::min();
  config.train.optimizer.learning_rate = std::numeric_limits<double>::denorm_min();
  config.train.optimizer.betas = {};
  EXPECT_EQ(parsed(dump(config)), config) << dump(config);
}

TEST(Schema, RandomDoublesAndTextsSurviveADump) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    ExampleConfig config;
    config.train.optimizer.learning_rate = std::ldexp(
        1.0 + static_cast<double>(random() >> 12) * 0x1p-52, int(random() % 2000) - 1000);
    config.title.clear();
    for (uint64_t length = random() % 12; length > 0; --length) {
      const auto byte = static_cast<char>(0x20 + random() % 0xe0);
      config.title += byte == 0x7f ? ' ' : byte;
    }
    ASSERT_EQ(parsed(dump(config)), config) << dump(config);
    ASSERT_EQ(parsed("", {"title=" + config.title}).title, config.title);
  }
}

TEST(Schema, DumpNamesEverySetting) {
  EXPECT_EQ(dump(TrainConfig()),
            "max_steps: 100\ncondition_dropout: 0.1\nprecision: 32\noptimizer:\n"
            "  learning_rate: 0.0001\n  betas: [0.9, 0.999]\n");
}

TEST(Schema, DumpRefusesAValueThatNoFileCanHold) {
  TrainConfig config;
  config.condition_dropout = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(dump(config), std::logic_error);
}

TEST(Schema, EnumValuesHaveNames) {
  EXPECT_STREQ(name_of(Activation::kSoftmax), "softmax");
  EXPECT_STREQ(name_of(static_cast<Activation>(9)), "?");
}

struct Twice {
  int64_t a = 0;
  int64_t b = 0;
  static void fields(auto& self, auto&& v) {
    v("a", self.a, "");
    v("a", self.b, "");
  }
};

TEST(Schema, AFieldListedTwiceIsOurMistake) { EXPECT_THROW(dump(Twice()), std::logic_error); }

}  // namespace
}  // namespace moca::config::testing
