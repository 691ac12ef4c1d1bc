#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moca/config/binding.h"
#include "moca/config/rules.h"
#include "moca/config/settings_table.h"
#include "moca/config/yaml_reader.h"

// Settings are plain structs. Member initialisers are the only defaults; `fields` lists them once,
// with help and rules, and `validate` (optional) holds rules across fields:
//
//   struct RouterConfig {
//     int64_t num_selected = 4;
//     RouterActivation activation = RouterActivation::kSigmoid;
//     static void fields(auto& self, auto&& v) {
//       v("num_selected", self.num_selected, "k: components seen in full", config::at_least(0));
//       v("activation", self.activation, "turns router logits into importance (Eq. 4)");
//     }
//     void validate(const std::string& path) const;  // throws moca::Error naming path + ".key"
//   };
//
// The whole config may have `static std::vector<RetiredSetting> retired()`: settings of earlier
// versions, refused with what to use instead.
//
// kMayChange after the rule lets a resumed run have another value of the field.
//
// A field is bool, int64_t, double, std::string, an enum with `enum_names`, a vector of int64_t,
// double or std::string, another such struct, or a Choice of named ones. Precedence: default < base
// < file < override.
namespace moca::config {

// The settings of `file` (and of its `base:`) with `section.key=value` overrides on top. Every
// mistake is a moca::Error of one line with file, line and the nearest known name. What neither
// sets keeps its value in `config`.
template <SectionType T>
T load(const std::filesystem::path& file, const std::vector<std::string>& overrides = {},
       T config = {}) {
  Binding binding = bind(config);
  read_file(binding, file);
  apply_overrides(binding, overrides);
  validate_all(binding, file.string());
  return config;
}

// The same from a text, called `name` in messages.
template <SectionType T>
T parse(const std::string& text, const std::filesystem::path& name,
        const std::vector<std::string>& overrides = {}) {
  T config;
  Binding binding = bind(config);
  read_file(binding, text, name);
  apply_overrides(binding, overrides);
  validate_all(binding, name.string());
  return config;
}

// Sets {"section.key=value", ...} in a program; `validate` is not called.
template <SectionType T>
void set(T& config, const std::vector<std::string>& settings) {
  Binding binding = bind(config);
  apply_overrides(binding, settings);
}

// Every setting as YAML; loading it gives `config` again, numbers to the last bit.
template <SectionType T>
std::string dump(T config) {
  return write_yaml(bind(config));
}

// Every setting with type, value in `config`, rule and help; see settings_text.
template <SectionType T>
std::vector<SettingInfo> describe(T config) {
  return setting_infos(bind(config));
}

// The settings in which two configs differ, in their order.
template <SectionType T>
std::vector<Difference> differences(T a, T b) {
  return differences(setting_infos(bind(a)), setting_infos(bind(b)));
}

}  // namespace moca::config
