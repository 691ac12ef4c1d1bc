#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// What a config struct's `fields` needs: the rules a setting can carry and the names of an enum.
// Everything that reads and writes settings is in schema.h, so a header of config structs stays
// cheap.
namespace moca::config {

// Which numbers a setting accepts; on a list it holds for every element.
struct NumberRule {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool above_low = false;       // `low` itself is refused
  std::vector<double> allowed;  // if not empty, these values only
};

// Which texts a setting accepts; on a list it holds for every element. Empty: any.
struct TextRule {
  std::vector<std::string> allowed;
  bool is_place = false;  // it names a file or folder; a relative one begins at the working folder
};

NumberRule at_least(double low);
NumberRule at_most(double high);
NumberRule in_range(double low, double high);  // both ends included
NumberRule above(double low);                  // `low` itself is refused
TextRule place();                              // a file or folder

// Throws Error where `value` is no multiple of `divisor`, another setting of the section `path`.
void require_multiple(const std::string& path, const std::string& name, int64_t value,
                      const std::string& divisor_name, int64_t divisor);

// Marks a setting, or all of a section: whether a run that is resumed may be given another value.
enum class MayChange {
  kNo,          // where nothing is said
  kWithInputs,  // with --accept-changed-data: another dataset or VAE brings its own along
  kYes,
};
constexpr MayChange kMayChange = MayChange::kYes;
constexpr MayChange kMayChangeWithInputs = MayChange::kWithInputs;

// one_of({1, 2, 4}) for numbers, one_of({"mesh", "procedural"}) for text.
template <class Value>
auto one_of(std::initializer_list<Value> values) {
  if constexpr (std::is_arithmetic_v<Value>) {
    NumberRule rule;
    for (const Value value : values) {
      rule.allowed.push_back(static_cast<double>(value));
    }
    return rule;
  } else {
    return TextRule{{values.begin(), values.end()}};
  }
}

// The YAML names of an enum. Beside the enum, in its own namespace, stands
//   constexpr config::EnumNames<Kind, 2> enum_names(Kind) {
//     return {{{"first", Kind::kFirst}, {"second", Kind::kSecond}}};
//   }
template <class Enum, size_t kCount>
using EnumNames = std::array<std::pair<const char*, Enum>, kCount>;

// The YAML name of an enum's value, "?" for a value outside its list.
template <class Enum>
requires std::is_enum_v<Enum>
const char* name_of(Enum value) {
  for (const auto& [name, listed] : enum_names(Enum{})) {
    if (listed == value) {
      return name;
    }
  }
  return "?";
}

// "at least 0", "in [0, 1]", "one of {1, 2, 4}"; empty where everything is accepted.
std::string rule_text(const NumberRule& rule);
std::string rule_text(const TextRule& rule);

// "{a, b, c}"
std::string braced(const std::vector<std::string>& names);

}  // namespace moca::config
