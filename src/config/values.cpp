#include "moca/config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "moca/config/suggestion.h"
#include "moca/core/error.h"
#include "moca/core/text.h"

namespace moca::config {
namespace {

constexpr size_t kLongestQuote = 60;
constexpr double kExactWhole = 9007199254740992.0;  // 2^53: whole doubles below are exact
constexpr double kSmallestFixed = 1e-5;             // numbers in between are written without
constexpr double kLargestFixed = 1e15;              // an exponent

using Form = WrittenValue::Form;

// Where a value goes, for the messages.
struct Target {
  const Setting& setting;
  std::string path;   // with [1] for an element of a list
  std::string where;  // "run.yaml:4: "

  [[noreturn]] void refuse(const std::string& rule, const WrittenValue& value,
                           const std::string& way_out = "") const {
    const std::string got = value.form == Form::kText      ? quoted(value.text)
                            : value.form == Form::kList    ? "a list"
                            : value.form == Form::kSection ? "a section"
                                                           : "nothing";
    throw Error(one_line(where + path + " must be " + rule + ", got " + got + "." + way_out));
  }
};

// from_chars refuses the plus sign that YAML allows.
const char* number_start(const std::string& text) {
  return text.c_str() + (text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
}

template <class Number>
std::errc scan(const std::string& text, Number* number) {
  const char* end = text.c_str() + text.size();
  const auto [stop, error] = std::from_chars(number_start(text), end, *number);
  return error == std::errc() && stop != end ? std::errc::invalid_argument : error;
}

void check(const NumberRule& rule, double number, const std::string& shown, const Target& target) {
  const bool listed =
      rule.allowed.empty() || std::ranges::find(rule.allowed, number) != rule.allowed.end();
  const bool inside =
      (rule.above_low ? number > rule.low : number >= rule.low) && number <= rule.high;
  if (listed && inside) {
    return;
  }
  const std::string text = rule_text(rule);
  const std::string verb = text.starts_with("in [") ? " must lie " : " must be ";
  throw Error(one_line(target.where + target.path + verb + text + ", got " + shown + "."));
}

void check(const std::vector<std::string>& allowed, const std::string& text, const Target& target) {
  if (!allowed.empty() && std::ranges::find(allowed, text) == allowed.end()) {
    throw Error(one_line(target.where + target.path + " must be one of " +
                         braced(nearest_first(text, allowed)) + ", got " + quoted(text) + "." +
                         did_you_mean(text, allowed)));
  }
}

void read(const WrittenValue& value, bool* flag, const Target& target) {
  const std::string& text = value.text;
  if (value.form != Form::kText || value.quoted || (text != "true" && text != "false")) {
    target.refuse("true or false", value);
  }
  *flag = text == "true";
}

void read(const WrittenValue& value, int64_t* number, const Target& target) {
  if (value.form != Form::kText || value.quoted) {
    target.refuse("a whole number", value, value.quoted ? " Remove the quotes." : "");
  }
  int64_t read_number = 0;
  const std::errc error = scan(value.text, &read_number);
  if (error == std::errc::result_out_of_range) {
    target.refuse("a whole number of 64 bits", value);
  }
  if (error != std::errc()) {
    double meant = 0;
    const bool whole = scan(value.text, &meant) == std::errc() && std::abs(meant) < kExactWhole &&
                       meant == std::floor(meant);
    target.refuse("a whole number", value,
                  whole ? " Write " + std::to_string(static_cast<int64_t>(meant)) + "." : "");
  }
  check(target.setting.numbers, static_cast<double>(read_number), value.text, target);
  *number = read_number;
}

void read(const WrittenValue& value, double* number, const Target& target) {
  if (value.form != Form::kText || value.quoted) {
    target.refuse("a number", value, value.quoted ? " Remove the quotes." : "");
  }
  double read_number = 0;
  const std::errc error = scan(value.text, &read_number);
  const bool yaml_special = value.text.ends_with(".inf") || value.text.ends_with(".nan");
  if (error == std::errc::result_out_of_range) {
    target.refuse("a number that a double can hold", value);
  }
  if (error != std::errc() && !yaml_special) {
    target.refuse("a number", value);
  }
  if (yaml_special || !std::isfinite(read_number)) {
    target.refuse("a finite number", value);
  }
  check(target.setting.numbers, read_number, value.text, target);
  *number = read_number;
}

void read(const WrittenValue& value, std::string* text, const Target& target) {
  if (value.form != Form::kText) {
    target.refuse("text", value,
                  value.form == Form::kNothing ? " Write \"\" for an empty text." : "");
  }
  const auto unprintable = [](unsigned char c) {
    return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
  };
  if (std::ranges::any_of(value.text, unprintable)) {
    target.refuse("text without control characters", value);
  }
  check(target.setting.texts.allowed, value.text, target);
  *text = value.text;
}

template <class Element>
void read(const WrittenValue& value, std::vector<Element>* list, const Target& target) {
  if (value.form != Form::kList) {
    target.refuse("a list such as [1, 2]", value);
  }
  std::vector<Element> elements;
  for (size_t i = 0; i < value.elements.size(); ++i) {
    const std::string path = target.path + "[" + std::to_string(i) + "]";
    elements.emplace_back();
    read(value.elements[i], &elements.back(), Target{target.setting, path, target.where});
  }
  *list = std::move(elements);
}

void read(const WrittenValue& value, const EnumVariable& choice, const Target& target) {
  if (value.form != Form::kText) {
    target.refuse("one of " + braced(choice.names), value);
  }
  check(choice.names, value.text, target);
  const auto found = std::ranges::find(choice.names, value.text);
  choice.set(static_cast<size_t>(found - choice.names.begin()));
}

// Plain where YAML cannot mistake the text for anything else, else in double quotes.
std::string yaml_scalar(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '/' || c == '.' || c == '-';
  };
  const bool word = !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) != 0) &&
                    std::ranges::all_of(text, plain);
  const std::string lower = lower_case(text);
  if (word && lower != "null" && lower != "true" && lower != "false") {
    return text;
  }
  std::string quoted_text = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted_text += '\\';
    }
    if (c == '\n' || c == '\t') {
      quoted_text += c == '\n' ? "\\n" : "\\t";
    } else {
      quoted_text += c;
    }
  }
  return quoted_text + "\"";
}

std::string yaml_scalar(int64_t value) { return std::to_string(value); }

std::string yaml_scalar(double value) {
  if (!std::isfinite(value)) {
    throw std::logic_error("a number setting holds " + std::to_string(value) +
                           ", which no config file can set");
  }
  return format_number(value);
}

std::string yaml_of(const bool* flag) { return *flag ? "true" : "false"; }

template <class Value>
std::string yaml_of(const Value* value) {
  return yaml_scalar(*value);
}

template <class Element>
std::string yaml_of(const std::vector<Element>* list) {
  const auto scalar = [](const Element& element) { return yaml_scalar(element); };
  return "[" + joined(*list, ", ", scalar) + "]";
}

std::string yaml_of(const EnumVariable& choice) {
  return yaml_scalar(choice.names.at(choice.get()));
}

// In the order of Variable.
constexpr std::array<const char*, std::variant_size_v<Variable>> kTypeNames = {
    "true or false",         "whole number",    "number",        "text",
    "list of whole numbers", "list of numbers", "list of texts", "choice"};

}  // namespace

void assign(const Setting& setting, const WrittenValue& value, const std::string& where) {
  const Target target{setting, setting.path, where};
  std::visit([&](auto variable) { read(value, variable, target); }, setting.variable);
}

bool is_list(const Setting& setting) { return type_name(setting).starts_with("list"); }

std::string type_name(const Setting& setting) { return kTypeNames[setting.variable.index()]; }

std::string yaml_text(const Setting& setting) {
  return std::visit([](const auto& variable) { return yaml_of(variable); }, setting.variable);
}

std::string format_number(double value) {
  const double size = std::abs(value);
  const bool everyday = value == 0 || (size >= kSmallestFixed && size < kLargestFixed);
  char text[64];
  const auto format = everyday ? std::chars_format::fixed : std::chars_format::scientific;
  const auto result = std::to_chars(text, text + sizeof(text), value, format);
  return {text, result.ptr};
}

std::string quoted(const std::string& text) {
  std::string shown = "'";
  shown += text.substr(0, kLongestQuote);
  shown += text.size() > kLongestQuote ? "...'" : "'";
  return one_line(shown);
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace moca::config
