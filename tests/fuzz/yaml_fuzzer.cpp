#include <stdexcept>

#include "fuzz.h"
#include "moca/config/schema.h"

namespace {

using moca::config::EnumNames;

enum class Color { kRed, kGreen };

constexpr EnumNames<Color, 2> enum_names(Color) {
  return {{{"red", Color::kRed}, {"green", Color::kGreen}}};
}

// A setting of every type.
struct Part {
  std::vector<int64_t> sizes = {1, 2};
  std::vector<double> scales = {0.5};
  std::vector<std::string> names = {"a"};
  Color color = Color::kRed;

  static void fields(auto& self, auto&& v) {
    v("sizes", self.sizes, "whole numbers", moca::config::at_least(0));
    v("scales", self.scales, "numbers");
    v("names", self.names, "texts");
    v("color", self.color, "one of a few names");
  }
};

struct Config {
  bool flag = false;
  int64_t count = 3;
  double rate = 0.1;
  std::string title = "title";
  Part part;

  static void fields(auto& self, auto&& v) {
    v("flag", self.flag, "yes or no");
    v("count", self.count, "a whole number", moca::config::at_least(0));
    v("rate", self.rate, "a number");
    v("title", self.title, "a text");
    v("part", self.part, "a section");
  }
};

}  // namespace

// What was read must come back as it was from what is written.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = moca::testing::text_of(data, size);
  std::string written;
  moca::testing::read([&] {
    const auto config = moca::config::parse<Config>(text, "input.yaml");
    written = moca::config::dump(config);
  });
  if (!written.empty() &&
      moca::config::dump(moca::config::parse<Config>(written, "written.yaml")) != written) {
    throw std::logic_error("another config comes back from the one written");
  }
  return moca::testing::read([&] { moca::config::parse<Config>("{}", "input.yaml", {text}); });
}
