#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moca/config/binding.h"
#include "moca/config/rules.h"

// Settings are plain structs. Member initialisers are the only defaults; `fields` lists every
// member once, with help and rules (std::logic_error else), and `validate` (optional) holds rules
// across fields:
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

// One setting as `moca settings` shows it.
struct SettingInfo {
  std::string path;           // "model.router.num_selected"
  std::string type;           // "whole number", "list of text", ...
  std::string default_value;  // as it is written in YAML
  std::string rule;           // "at least 0"; empty where everything is accepted
  std::string help;
  MayChange may_change = MayChange::kNo;
};

std::vector<SettingInfo> setting_infos(const Binding& binding);

// A setting that two configs of one type do not have alike.
struct Difference {
  std::string path;
  std::string a;  // as it is written in YAML
  std::string b;
  MayChange may_change = MayChange::kNo;
};

std::vector<Difference> differences(const std::vector<SettingInfo>& a,
                                    const std::vector<SettingInfo>& b);

// One block per section with aligned columns, for the terminal.
std::string settings_text(const std::vector<SettingInfo>& settings);

// One Markdown table per section, for configs/README.md.
std::string settings_markdown(const std::vector<SettingInfo>& settings);

// --- of a Binding: what the templates below are made of (yaml_reader.cpp) ---

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

// --- of a config struct ---

// The settings of `file` (and of its `base:`) with `section.key=value` overrides on top. Every
// mistake is a moca::Error of one line with file, line and the nearest known name.
template <SectionType T>
T load(const std::filesystem::path& file, const std::vector<std::string>& overrides = {}) {
  T config;
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
