#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moca/config/binding.h"

namespace moca::config {

// Reads `file` into the bound variables and marks the settings as assigned, after the files its
// `base:` names, one or a list of which later ones win. They are read first into the same
// variables, so that every message points at the file and line with the mistake.
void read_file(Binding& binding, const std::filesystem::path& file);

// The same for a text; `name` stands in the messages, and a `base:` is looked up beside it.
void read_file(Binding& binding, const std::string& text, const std::filesystem::path& name);

// Applies `section.key=value` settings; a list is written [1, 2].
void apply_overrides(Binding& binding, const std::vector<std::string>& overrides);

// Calls every section's `validate`; `source` is put before the message.
void validate_all(const Binding& binding, const std::string& source);

// Every setting as YAML, such that reading it gives the same values.
std::string write_yaml(const Binding& binding);

}  // namespace moca::config
