#include "moca/image/component_map.h"

#include <algorithm>
#include <span>

#include "decoder.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/core/text.h"

namespace moca {
namespace {

constexpr size_t kNumNumbers = 65536;  // of 16 bits

// "1, 5, 7"; of many the first and the last.
std::string list_of(const std::vector<uint16_t>& numbers) {
  constexpr size_t kMost = 8;
  const auto first = std::span(numbers).first(std::min(numbers.size(), kMost));
  const auto text = joined(first, ", ", [](int number) { return std::to_string(number); });
  return numbers.size() > kMost ? text + ", ... " + std::to_string(numbers.back()) : text;
}

// The largest number of 8 or 16 bits beside others, far from them: background to some programs,
// "ignore" to others.
bool looks_like_background(const std::vector<uint16_t>& numbers) {
  const auto largest = numbers.back();
  return (largest == 255 || largest == 65535) && numbers.size() > 1 &&
         numbers[numbers.size() - 2] + 1 != largest;
}

}  // namespace

ComponentMap read_component_map(const std::filesystem::path& file) {
  try {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) {
      throw Mistake("there is no such file");
    }
    const auto bytes = read_file(file);
    const auto format = format_of(bytes);
    if (format != "PNG") {
      throw Mistake(format.empty()     ? "its bytes are no image's"
                    : format == "JPEG" ? "a JPEG does not keep numbers as they are"
                                       : "it is in the format " + format);
    }
    return decode_png_numbers(bytes);
  } catch (const Mistake& mistake) {
    throw Error("Cannot read the component map ", file, ": ", mistake.what(),
                ". Give a PNG of one channel, grey or palette, in which the background holds 0 "
                "and component i holds i + 1.");
  }
}

std::vector<uint16_t> numbers_in(const ComponentMap& map) {
  std::vector<bool> occurs(kNumNumbers);
  for (const uint16_t number : map.pixels) {
    occurs[number] = true;
  }
  std::vector<uint16_t> numbers;
  for (size_t number = 1; number < kNumNumbers; ++number) {
    if (occurs[number]) {
      numbers.push_back(static_cast<uint16_t>(number));
    }
  }
  return numbers;
}

ComponentMap without_gaps(const ComponentMap& map, const std::string& name) {
  const auto numbers = numbers_in(map);
  if (numbers.empty()) {
    throw Error("The component map ", name,
                " marks no component: its pixels are all 0, the background. Component i holds i + "
                "1.");
  }
  if (numbers.back() == numbers.size()) {
    return map;
  }
  if (looks_like_background(numbers)) {
    throw Error("The component map ", name, " holds ", list_of(numbers), ": whether ",
                numbers.back(),
                " is a component cannot be told. Write 0 for the background and i + 1 for "
                "component i.");
  }
  std::vector<uint16_t> place(kNumNumbers);
  for (size_t i = 0; i < numbers.size(); ++i) {
    place[numbers[i]] = static_cast<uint16_t>(i + 1);
  }
  ComponentMap compact = map;
  for (uint16_t& number : compact.pixels) {
    number = place[number];
  }
  log::info("the component map " + name + " holds the numbers " + list_of(numbers) +
            ": they are taken for components 1, 2, ... in this order");
  return compact;
}

}  // namespace moca
