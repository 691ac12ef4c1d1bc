#include <gtest/gtest.h>

#include <random>

#include "moca/config/schema.h"
#include "tests/config/example_config.h"

namespace moca::config::testing {
namespace {

const char* const kPieces[] = {"\n",      ":",    ": ",    "- ",  "[",    "]",    "{",   "}",
                               "&a ",     "*a",   "#",     "'",   "\"",   "|",    ">",   "? ",
                               "---",     "...",  "!!x",   "%",   "null", "~",    "\t",  "  ",
                               "base: x", "<<: ", "1e999", "nan", "\\x",  "\xff", "\x01"};

// Inserts, deletes, doubles or overwrites a few places of `text`.
std::string mutated(std::string text, std::mt19937_64& random) {
  for (uint64_t edits = 1 + random() % 2; edits > 0; --edits) {
    const size_t at = random() % (text.size() + 1);
    const size_t length = std::min<size_t>(random() % 20, text.size() - at);
    switch (random() % 4) {
      case 0:
        text.insert(at, kPieces[random() % std::size(kPieces)]);
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(random() % (text.size() + 1), text.substr(at, length));
        break;
      default:
        if (at < text.size()) {
          text[at] = static_cast<char>(random() % 256);
        }
    }
  }
  return text;
}

TEST(Mutation, AnyTextIsReadOrRefusedInOneLine) {
  std::mt19937_64 random(2512);
  const std::string valid = dump(ExampleConfig());
  int read = 0;
  int refused = 0;
  for (int round = 0; round < 6000; ++round) {
    const std::string text = mutated(valid, random);
    try {
      const auto config = parse<ExampleConfig>(text, "run.yaml");
      ASSERT_EQ(parse<ExampleConfig>(dump(config), "run.yaml"), config) << text;
      ++read;
    } catch (const Error& error) {
      const std::string message = error.what();
      ASSERT_TRUE(message.starts_with("run.yaml")) << message;
      ASSERT_EQ(message.find('\n'), std::string::npos) << message;
      ++refused;
    }
  }
  // Both outcomes must be common, or the test would say little.
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 3000);
}

TEST(Mutation, AnyOverrideIsAppliedOrRefusedInOneLine) {
  std::mt19937_64 random(7628);
  const std::string valid[] = {"model.width=8", "folders=[a, b]", "model.router.activation=softmax",
                               "train.optimizer.betas=[0.5, 0.25]", "title=x"};
  for (int round = 0; round < 3000; ++round) {
    const std::string setting = mutated(valid[random() % std::size(valid)], random);
    try {
      parse<ExampleConfig>("", "run.yaml", {setting});
    } catch (const Error& error) {
      ASSERT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace moca::config::testing
