#pragma once

#include <string>
#include <vector>

#include "moca/config/binding.h"

// Between the text of a value and its variable. Messages name the setting, the rule and the value.
namespace moca::config {

// A value as it was written: one text, a list of texts, or something that no setting accepts.
struct WrittenValue {
  enum class Form { kText, kList, kSection, kNothing };
  Form form = Form::kNothing;
  std::string text = {};
  bool quoted = false;  // then it is text even where it looks like a number
  std::vector<WrittenValue> elements = {};
};

// Sets the variable, or throws moca::Error; `where` ("run.yaml:4: ") is put before the message.
void assign(const Setting& setting, const WrittenValue& value, const std::string& where);

bool is_list(const Setting& setting);

// "whole number", "list of text", ...
std::string type_name(const Setting& setting);

// The value as YAML on one line; numbers and texts come back exactly.
std::string yaml_text(const Setting& setting);

// The shortest decimal that reads back as the same double.
std::string format_number(double value);

// `text` for a message: in quotes, on one line, cut where it is long.
std::string quoted(const std::string& text);

// A message's text on one line: control characters become '?'.
std::string one_line(std::string text);

}  // namespace moca::config
