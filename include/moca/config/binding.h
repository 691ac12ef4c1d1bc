#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "moca/config/rules.h"

// A config struct seen without its type: a flat list of its settings, each bound to its variable.
// Built once per use by `bind`, so that reading, writing and describing are compiled only once.
namespace moca::config {

// An enum variable behind plain functions on the position in its list of names.
struct EnumVariable {
  void* variable;
  std::vector<std::string> names;
  size_t (*get)(const void* variable);
  void (*set)(void* variable, size_t position);
};

using Variable = std::variant<bool*, int64_t*, double*, std::string*, std::vector<int64_t>*,
                              std::vector<double>*, std::vector<std::string>*, EnumVariable>;

struct Setting {
  std::string path;  // "model.router.num_selected"
  std::string help;
  Variable variable;
  NumberRule numbers;     // used by numbers and lists of them
  TextRule texts;         // used by texts and lists of them
  bool assigned = false;  // by a file or an override
};

struct Section {
  std::string path;  // "model.router"; the whole config is ""
  std::string help;
  const void* self;
  void (*validate)(const void* self, const std::string& path);  // null where there is no rule
};

// A setting of an earlier version and what to do instead, as a sentence.
struct RetiredSetting {
  std::string path;
  std::string instead;
};

// The settings and sections of one config in the order of `fields`; an inner section comes before
// the one around it in `sections`.
struct Binding {
  std::vector<Setting> settings;
  std::vector<Section> sections;
  std::vector<RetiredSetting> retired;  // T::retired(), where the whole config has it

  // Whether a file or an override sets `path`, or a setting of the section `path`.
  bool is_assigned(const std::string& path) const;
  // The setting `path`; null where there is none.
  Setting* find(const std::string& path);
};

struct Choice;  // choice.h

template <class T>
concept SectionType = std::is_class_v<T> && std::is_aggregate_v<T>;

template <class T>
concept Validated = requires(const T& section, const std::string& path) {
  section.validate(path);
};

// The visitor handed to `fields`; collects what it is shown.
class Binder {
 public:
  Binder(Binding* binding, std::string section) : binding_(binding), section_(std::move(section)) {}

  void operator()(const char* name, bool& value, const char* help);
  void operator()(const char* name, int64_t& value, const char* help, NumberRule rule = {});
  void operator()(const char* name, double& value, const char* help, NumberRule rule = {});
  void operator()(const char* name, std::string& value, const char* help, TextRule rule = {});
  void operator()(const char* name, std::vector<int64_t>& value, const char* help,
                  NumberRule rule = {});
  void operator()(const char* name, std::vector<double>& value, const char* help,
                  NumberRule rule = {});
  void operator()(const char* name, std::vector<std::string>& value, const char* help,
                  TextRule rule = {});
  void operator()(const char* name, Choice& choice);

  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(const char* name, Enum& value, const char* help) {
    EnumVariable variable{&value, {}, enum_get<Enum>, enum_set<Enum>};
    for (const auto& [listed, unused] : enum_names(Enum{})) {
      variable.names.emplace_back(listed);
    }
    add(name, help, std::move(variable));
  }

  template <SectionType T>
  void operator()(const char* name, T& value, const char* help) {
    bind_section(value, path_of(name), help, binding_);
  }

  template <SectionType T>
  static void bind_section(T& value, std::string path, const char* help, Binding* binding) {
    T::fields(value, Binder(binding, path));
    Section section{std::move(path), help, &value, nullptr};
    if constexpr (Validated<T>) {
      section.validate = [](const void* self, const std::string& where) {
        static_cast<const T*>(self)->validate(where);
      };
    }
    add_section(std::move(section), binding);
  }

 private:
  template <class Enum>
  static size_t enum_get(const void* variable) {
    const auto names = enum_names(Enum{});
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i].second == *static_cast<const Enum*>(variable)) {
        return i;
      }
    }
    throw std::logic_error("an enum setting holds a value that its enum_names does not list");
  }

  template <class Enum>
  static void enum_set(void* variable, size_t position) {
    *static_cast<Enum*>(variable) = enum_names(Enum{}).at(position).second;
  }

  std::string path_of(const char* name) const;
  void add(const char* name, std::string help, Variable variable, NumberRule numbers = {},
           TextRule texts = {});
  static void add_section(Section section, Binding* binding);

  Binding* binding_;
  std::string section_;
};

// Binds every setting of `config`, which must outlive the result.
template <SectionType T>
Binding bind(T& config) {
  Binding binding;
  Binder::bind_section(config, "", "", &binding);
  if constexpr (requires { T::retired(); }) {
    binding.retired = T::retired();
  }
  return binding;
}

}  // namespace moca::config
