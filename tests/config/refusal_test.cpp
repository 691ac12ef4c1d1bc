#include <gmock/gmock.h>

#include "moca/config/schema.h"
#include "tests/config/example_config.h"

// Every kind of mistake and the one line it gives.
namespace moca::config::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

std::string text_error(const std::string& text) {
  return error_of([&] { parse<ExampleConfig>(text, "configs/bad.yaml"); });
}

std::string override_error(const std::string& setting) {
  return error_of([&] { parse<ExampleConfig>("", "run.yaml", {setting}); });
}

struct Mistake {
  std::string name;
  std::string text;
  std::string message;

  friend std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
    return out << mistake.text;
  }
};

std::string name_of_mistake(const ::testing::TestParamInfo<Mistake>& info) {
  return info.param.name;
}

class FileMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(FileMistake, GivesItsMessage) { EXPECT_EQ(text_error(GetParam().text), GetParam().message); }

INSTANTIATE_TEST_SUITE_P(
    Names, FileMistake,
    ::testing::Values(
        Mistake{"Misspelt", "model:\n  width: 8\n  router:\n    num_slected: 1\n",
                "configs/bad.yaml:4: unknown setting 'model.router.num_slected'. Did you mean "
                "'model.router.num_selected'?"},
        Mistake{"MisspeltSection", "modle: {}\n",
                "configs/bad.yaml:1: unknown setting 'modle'. Did you mean 'model'?"},
        Mistake{"Retired", "model:\n  router:\n    top_k: 1\n",
                "configs/bad.yaml:3: unknown setting 'model.router.top_k'. An earlier version had "
                "it: write model.router.num_selected."},
        Mistake{"Twice", "train:\n  max_steps: 1\n  max_steps: 2\n",
                "configs/bad.yaml:3: 'train.max_steps' is set twice, first on line 2."},
        Mistake{"SectionTwice", "model: {width: 8}\ntrain: {}\nmodel: {num_heads: 2}\n",
                "configs/bad.yaml:3: 'model' is set twice, first on line 1."},
        Mistake{"OtherSection", "learning_rate: 0.1\n",
                "configs/bad.yaml:1: unknown setting 'learning_rate'. Did you mean "
                "'train.optimizer.learning_rate'?"},
        Mistake{"TopLevel", "model:\n  title: x\n",
                "configs/bad.yaml:2: unknown setting 'model.title'. Did you mean 'title' at the "
                "top level?"},
        Mistake{"MisspeltInOtherSection", "model:\n  lerning_rate: 1\n",
                "configs/bad.yaml:2: unknown setting 'model.lerning_rate'. Did you mean "
                "'train.optimizer.learning_rate'?"},
        Mistake{"DottedAndMisspelt", "train.optimizer.lerning_rate: 1\n",
                "configs/bad.yaml:1: unknown setting 'train.optimizer.lerning_rate'. Did you mean "
                "'train.optimizer.learning_rate'?"},
        Mistake{"NothingNear", "train:\n  optimizer:\n    qqqqqqqqqqqqqqqq: 1\n",
                "configs/bad.yaml:3: unknown setting 'train.optimizer.qqqqqqqqqqqqqqqq'. Known "
                "here: {learning_rate, betas}."},
        Mistake{"Dotted", "model.width: 8\n",
                "configs/bad.yaml:1: unknown setting 'model.width'. Write 'width' inside "
                "'model:', sections are nested."},
        Mistake{"DottedInSection", "model: {router.num_selected: 1}\n",
                "configs/bad.yaml:1: unknown setting 'model.router.num_selected'. Write "
                "'num_selected' inside 'model.router:', sections are nested."},
        Mistake{"MergeKey", "title: x\n<<: {split: test}\n",
                "configs/bad.yaml:2: unknown setting '<<'. Known here: {title, split, folders, "
                "model, train}."},
        Mistake{"NoName", "title: x\n: 3\n",
                "configs/bad.yaml:2: the name of a setting is missing. Write 'setting: value'."},
        Mistake{"ListAsName", "[a, b]: 3\n",
                "configs/bad.yaml:1: the name of a setting is missing. Write 'setting: value'."},
        Mistake{"BaseInSection", "model:\n  base: x.yaml\n",
                "configs/bad.yaml:2: unknown setting 'model.base'. 'base' belongs at the top "
                "level."},
        Mistake{"ValueForSection", "model: 3\n",
                "configs/bad.yaml:1: 'model' is a section: its settings follow on indented lines."},
        Mistake{"ListForSection", "train:\n  optimizer: [1]\n",
                "configs/bad.yaml:2: 'train.optimizer' is a section: its settings follow on "
                "indented lines."},
        Mistake{"ListForConfig", "\n- title: x\n",
                "configs/bad.yaml:2: a config consists of 'setting: value' lines."},
        Mistake{"TextForConfig", "hello\n",
                "configs/bad.yaml:1: a config consists of 'setting: value' lines."},
        Mistake{"TwoDocuments", "title: x\n---\nsplit: test\n",
                "configs/bad.yaml holds more than one YAML document, a config is one. Remove the "
                "'---' lines."},
        Mistake{"DocumentsWithoutEnd", "[1], 2\n",  // yaml-cpp never stops finding them
                "configs/bad.yaml holds more than one YAML document, a config is one. Remove the "
                "'---' lines."},
        Mistake{"TagWithComma", "!a,b\n",
                "configs/bad.yaml holds more than one YAML document, a config is one. Remove the "
                "'---' lines."}),
    name_of_mistake);

INSTANTIATE_TEST_SUITE_P(
    Values, FileMistake,
    ::testing::Values(
        Mistake{"BelowRule", "model:\n  router: {num_selected: -1}\n",
                "configs/bad.yaml:2: model.router.num_selected must be at least 0, got -1."},
        Mistake{"AboveRule", "train: {max_steps: 1000001}\n",
                "configs/bad.yaml:1: train.max_steps must be at most 1000000, got 1000001."},
        Mistake{"OutsideRange", "train:\n  condition_dropout: 1.5\n",
                "configs/bad.yaml:2: train.condition_dropout must lie in [0, 1], got 1.5."},
        Mistake{"NotAbove", "train: {optimizer: {learning_rate: 0.0}}\n",
                "configs/bad.yaml:1: train.optimizer.learning_rate must be above 0, got 0.0."},
        Mistake{"NotAllowed", "train: {precision: 8}\n",
                "configs/bad.yaml:1: train.precision must be one of {16, 32}, got 8."},
        Mistake{"Enum", "model: {router: {activation: sigmoind}}\n",
                "configs/bad.yaml:1: model.router.activation must be one of {sigmoid, softmax}, "
                "got 'sigmoind'. Did you mean 'sigmoid'?"},
        Mistake{"EnumList", "model: {router: {activation: [softmax]}}\n",
                "configs/bad.yaml:1: model.router.activation must be one of {sigmoid, softmax}, "
                "got a list."},
        Mistake{"Choice", "split: validation\n",
                "configs/bad.yaml:1: split must be one of {train, test}, got 'validation'."},
        Mistake{"Word", "model: {width: wide}\n",
                "configs/bad.yaml:1: model.width must be a whole number, got 'wide'."},
        Mistake{"Exponent", "model: {width: 1e3}\n",
                "configs/bad.yaml:1: model.width must be a whole number, got '1e3'. Write 1000."},
        Mistake{"Fraction", "model: {width: 1.5}\n",
                "configs/bad.yaml:1: model.width must be a whole number, got '1.5'."},
        Mistake{"QuotedNumber", "model: {width: \"8\"}\n",
                "configs/bad.yaml:1: model.width must be a whole number, got '8'. Remove the "
                "quotes."},
        Mistake{"TooLong", "train: {max_steps: -9223372036854775809}\n",
                "configs/bad.yaml:1: train.max_steps must be a whole number of 64 bits, got "
                "'-9223372036854775809'."},
        Mistake{"Hexadecimal", "model: {width: 0x10}\n",
                "configs/bad.yaml:1: model.width must be a whole number, got '0x10'."},
        Mistake{"ListForNumber", "model: {width: [8]}\n",
                "configs/bad.yaml:1: model.width must be a whole number, got a list."},
        Mistake{"SectionForNumber", "model: {width: {a: 1}}\n",
                "configs/bad.yaml:1: model.width must be a whole number, got a section."},
        Mistake{"NothingForNumber", "model:\n  width:\n",
                "configs/bad.yaml:2: model.width must be a whole number, got nothing."},
        Mistake{"NothingForText", "title:\n",
                "configs/bad.yaml:1: title must be text, got nothing. Write \"\" for an empty "
                "text."},
        Mistake{"WordForReal", "train: {condition_dropout: none}\n",
                "configs/bad.yaml:1: train.condition_dropout must be a number, got 'none'."},
        Mistake{"NotANumber", "train: {condition_dropout: nan}\n",
                "configs/bad.yaml:1: train.condition_dropout must be a finite number, got 'nan'."},
        Mistake{"YamlInfinity", "train: {condition_dropout: -.inf}\n",
                "configs/bad.yaml:1: train.condition_dropout must be a finite number, got "
                "'-.inf'."},
        Mistake{"Overflow", "train: {condition_dropout: 1e999}\n",
                "configs/bad.yaml:1: train.condition_dropout must be a number that a double can "
                "hold, got '1e999'."},
        Mistake{"Yes", "model: {router: {stochastic: yes}}\n",
                "configs/bad.yaml:1: model.router.stochastic must be true or false, got 'yes'."},
        Mistake{"ElementBelowRule", "model:\n  global_blocks:\n    - 1\n    - -1\n",
                "configs/bad.yaml:2: model.global_blocks[1] must be at least 0, got -1."},
        Mistake{"ElementOfWrongType", "model: {global_blocks: [1, x]}\n",
                "configs/bad.yaml:1: model.global_blocks[1] must be a whole number, got 'x'."},
        Mistake{"ListInList", "folders: [a, [b]]\n",
                "configs/bad.yaml:1: folders[1] must be text, got a list."},
        Mistake{"NumberForList", "folders: a\n",
                "configs/bad.yaml:1: folders must be a list such as [1, 2], got 'a'."},
        Mistake{"ControlCharacter", "title: \"a\\u0007b\"\n",
                "configs/bad.yaml:1: title must be text without control characters, got 'a?b'."}),
    name_of_mistake);

class OverrideMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(OverrideMistake, GivesItsMessage) {
  EXPECT_EQ(override_error(GetParam().text), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, OverrideMistake,
    ::testing::Values(
        Mistake{"OutsideRange", "train.condition_dropout=1.5",
                "override 'train.condition_dropout=1.5': train.condition_dropout must lie in [0, "
                "1], got 1.5."},
        Mistake{"Enum", "model.router.activation=sigmoind",
                "override 'model.router.activation=sigmoind': model.router.activation must be one "
                "of {sigmoid, softmax}, got 'sigmoind'. Did you mean 'sigmoid'?"},
        Mistake{
            "Misspelt", "model.widht=3",
            "override 'model.widht=3': unknown setting 'model.widht'. Did you mean 'model.width'?"},
        Mistake{"OtherSection", "model.betas=[1]",
                "override 'model.betas=[1]': unknown setting 'model.betas'. Did you mean "
                "'train.optimizer.betas'?"},
        Mistake{"UnknownSection", "modle.width=3",
                "override 'modle.width=3': unknown setting 'modle.width'. Did you mean "
                "'model.width'?"},
        Mistake{"NothingNear", "qqqqqq.zzzzzz=3",
                "override 'qqqqqq.zzzzzz=3': unknown setting 'qqqqqq.zzzzzz'. Known at the top "
                "level: {title, split, folders, model, train}."},
        Mistake{"MisspeltTwice", "modle.widht=3",
                "override 'modle.widht=3': unknown setting 'modle.widht'. Did you mean "
                "'model.width'?"},
        Mistake{"Section", "model=3",
                "override 'model=3': 'model' is a section. Set one of its settings: "
                "model.key=value."},
        Mistake{"NoValue", "model.width", "override 'model.width': write section.key=value."},
        Mistake{"NoKey", "=3", "override '=3': write section.key=value."},
        Mistake{"Empty", "", "override '': write section.key=value."},
        Mistake{"Base", "base=x.yaml",
                "override 'base=x.yaml': a base can only be named in a file."},
        Mistake{"EmptyNumber", "model.width=",
                "override 'model.width=': model.width must be a whole number, got ''."},
        Mistake{"OpenList", "folders=[a",
                "override 'folders=[a': folders must be a list such as [1, 2], got '[a'."},
        Mistake{"NumberForList", "model.global_blocks=3",
                "override 'model.global_blocks=3': model.global_blocks must be a list such as [1, "
                "2], got '3'."}),
    name_of_mistake);

TEST(Refusal, AnOverrideGivenTwice) {
  EXPECT_EQ(error_of([] {
              parse<ExampleConfig>("", "run.yaml", {"model.width=8", "model.width=16"});
            }),
            "override 'model.width=16': 'model.width' is set twice.");
}

TEST(Refusal, TheBaseIsNamedWithTheLineOfTheMistake) {
  const TemporaryFolder folder;
  const auto base = folder.write("root.yaml", "model:\n  widht: 8\n");
  const auto file = folder.write("top.yaml", "base: root.yaml\ntitle: x\n");
  EXPECT_EQ(error_of([&] { load<ExampleConfig>(file); }),
            base.string() + ":2: unknown setting 'model.widht'. Did you mean 'model.width'?");
}

TEST(Refusal, AMistakeAfterTheBaseNamesTheFileItself) {
  const TemporaryFolder folder;
  folder.write("root.yaml", "title: y\n");
  const auto file = folder.write("top.yaml", "base: root.yaml\ntitel: x\n");
  EXPECT_EQ(error_of([&] { load<ExampleConfig>(file); }),
            file.string() + ":2: unknown setting 'titel'. Did you mean 'title'?");
}

TEST(Refusal, BasesThatDoNotWork) {
  const TemporaryFolder folder;
  const auto file_error = [&](const std::string& text) {
    const auto file = folder.write("top.yaml", text);
    return error_of([&] { load<ExampleConfig>(file); });
  };
  const std::string at = folder.path().string() + "/top.yaml:1: ";
  EXPECT_EQ(file_error("base: none.yaml\n"), at + "base 'none.yaml' does not exist (looked for " +
                                                 folder.path().string() + "/none.yaml).");
  EXPECT_EQ(file_error("base: top.yaml\n"),
            at + "base 'top.yaml' leads back to a file that is based on it.");
  for (const char* text : {"base: []\n", "base: {a: b}\n", "base: [[a.yaml]]\n", "base:\n"}) {
    EXPECT_EQ(file_error(text), at + "base must name a config file or a list of them, for example "
                                     "'base: other.yaml'.");
  }
  const auto other = folder.write("other.yaml", "base: ./top.yaml\n");
  EXPECT_EQ(file_error("base: other.yaml\n"),
            other.string() + ":1: base './top.yaml' leads back to a file that is based on it.");
}

TEST(Refusal, AChainOfBasesHasAnEnd) {
  const TemporaryFolder folder;
  for (int i = 0; i < 40; ++i) {
    folder.write(std::to_string(i) + ".yaml", "base: " + std::to_string(i + 1) + ".yaml\n");
  }
  folder.write("40.yaml", "title: x\n");
  EXPECT_THAT(error_of([&] { load<ExampleConfig>(folder.path() / "0.yaml"); }),
              HasSubstr("files based on one another"));
  EXPECT_EQ(load<ExampleConfig>(folder.path() / "30.yaml").title, "x");
}

// Each file three times the next: 3^15 readings.
TEST(Refusal, BasesNamedOverAndOverHaveAnEnd) {
  const TemporaryFolder folder;
  for (int i = 0; i < 15; ++i) {
    const auto next = std::to_string(i + 1) + ".yaml";
    folder.write(std::to_string(i) + ".yaml", "base: [" + next + ", " + next + ", " + next + "]\n");
  }
  folder.write("15.yaml", "title: x\n");
  EXPECT_THAT(error_of([&] { load<ExampleConfig>(folder.path() / "0.yaml"); }),
              HasSubstr("more than 64 files are read as bases"));
  EXPECT_EQ(load<ExampleConfig>(folder.path() / "13.yaml").title, "x");
}

TEST(Refusal, ABaseThatIsAFolderIsCalledOne) {
  const TemporaryFolder folder;
  folder.write("a.yaml", "base: .\n");
  EXPECT_THAT(error_of([&] { load<ExampleConfig>(folder.path() / "a.yaml"); }),
              HasSubstr("base '.' is no file"));
}

TEST(Refusal, FilesThatAreNoConfig) {
  const TemporaryFolder folder;
  const auto load_error = [](const std::filesystem::path& file) {
    return error_of([&] { load<ExampleConfig>(file); });
  };
  const std::string missing = (folder.path() / "missing.yaml").string();
  EXPECT_EQ(load_error(missing), "no config file " + missing + ". Name a .yaml file.");
  EXPECT_EQ(load_error(folder.path()),
            "no config file " + folder.path().string() + ". Name a .yaml file.");
  const auto huge = folder.write("huge.yaml", std::string(2 << 20, '#'));
  EXPECT_EQ(load_error(huge), huge.string() +
                                  " has 2097152 bytes, a config has at most 1048576. Is this the "
                                  "right file?");
}

TEST(Refusal, TextThatIsNotYaml) {
  EXPECT_THAT(text_error("title: x\nmodel: {width: 8\ntrain: 1\n"),
              MatchesRegex("configs/bad.yaml:[0-9]+: not valid YAML: .*"));
  EXPECT_THAT(text_error("title: *nowhere\n"), StartsWith("configs/bad.yaml:1: not valid YAML: "));
  EXPECT_THAT(text_error(std::string("\x00\x01\xff\xfe", 4)), Not(HasSubstr("no error")));
}

TEST(Refusal, DeepNestingAndAliasBombsAreHarmless) {
  EXPECT_THAT(text_error("folders: " + std::string(100000, '[')), HasSubstr("not valid YAML"));
  EXPECT_THAT(text_error(std::string(5000, '{') + std::string(5000, '}')),
              HasSubstr("not valid YAML"));
  std::string bomb = "title: x\nfolders:\n  - &a0 [x, x]\n";
  for (int i = 0; i < 60; ++i) {
    const std::string number = std::to_string(i);
    bomb.append("  - &b").append(number).append(" [*a").append(number);
    bomb.append(", *a").append(number).append("]\n");
    bomb.append("  - &a").append(std::to_string(i + 1)).append(" [*b").append(number);
    bomb.append(", *b").append(number).append("]\n");
  }
  EXPECT_EQ(text_error(bomb), "configs/bad.yaml:2: folders[0] must be text, got a list.");
  EXPECT_THAT(text_error("folders: &a [*a]\n"), StartsWith("configs/bad.yaml:1: "));
}

TEST(Refusal, LongAndControlTextStaysOneShortLine) {
  const std::string message = text_error("\"" + std::string(500, 'q') + "\\n\": 1\n");
  EXPECT_LT(message.size(), 250U);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace moca::config::testing
