#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "moca/config/rules.h"
#include "moca/core/mapped.h"

// A config struct seen without its type: a flat list of its settings, each bound to its variable.
// Built once per use by `bind`, so that reading, writing and describing are compiled only once.
namespace moca::config {

// An enum variable behind functions on the position in its list of names.
struct EnumVariable {
  std::vector<std::string> names;
  std::function<size_t()> get;
  std::function<void(size_t position)> set;
};

using Variable = std::variant<bool*, int64_t*, double*, std::string*, std::vector<int64_t>*,
                              std::vector<double>*, std::vector<std::string>*, EnumVariable>;

// "section.name", or the name alone at the top level.
inline std::string path_of(const std::string& section, const std::string& name) {
  return section.empty() ? name : section + "." + name;
}

struct Setting {
  std::string path;  // "model.router.num_selected"
  std::string help;
  Variable variable;
  NumberRule numbers;     // used by numbers and lists of them
  TextRule texts;         // used by texts and lists of them
  bool assigned = false;  // by a file or an override
  MayChange may_change = MayChange::kNo;
};

struct Section {
  std::string path;                                       // "model.router"; the whole config is ""
  std::function<void(const std::string& path)> validate;  // null where there is no rule
};

// The settings of one option of a Choice: they are read only where it is the chosen one.
struct Alternative {
  std::string section;        // "adapter.lora"
  std::string choice;         // "adapter.kind"
  std::string option;         // "lora"
  const std::string* chosen;  // the value of `choice`
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
  std::vector<Alternative> alternatives;
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

// Stands for a member of any type while counting; never evaluated.
struct AnyMember {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor): must convert implicitly
};

template <class T, size_t... kIndex>
consteval bool takes_members(std::index_sequence<kIndex...>) {
  return requires { T{(static_cast<void>(kIndex), AnyMember{})...}; };
}

// How many members the aggregate T has.
template <class T, size_t kCount = 0>
consteval size_t arity() {
  if constexpr (takes_members<T>(std::make_index_sequence<kCount + 1>())) {
    return arity<T, kCount + 1>();
  } else {
    return kCount;
  }
}

// The visitor handed to `fields`; collects what it is shown.
class Binder {
 public:
  Binder(Binding* binding, std::string section, MayChange may_change)
      : binding_(binding), section_(std::move(section)), may_change_(may_change) {}

  void operator()(const char* name, Choice& choice);

  template <class T, class... Rules>
  void operator()(const char* name, T& value, const char* help, Rules... rules) {
    ++num_listed_;
    static_assert((takes<T, Rules>() && ...), "this rule is not for a setting of this type");
    const MayChange may_change = std::max({may_change_, may_change_of(rules)...});
    if constexpr (SectionType<T>) {
      bind_section(value, path_of(section_, name), binding_, may_change);
    } else {
      Setting setting{path_of(section_, name), help, variable_of(value), {}, {}, false, may_change};
      (set_rule(rules, &setting), ...);
      add(std::move(setting));
    }
  }

  template <SectionType T>
  static void bind_section(T& value, std::string path, Binding* binding,
                           MayChange may_change = MayChange::kNo) {
    Binder binder(binding, path, may_change);
    T::fields(value, binder);
    binder.require_all_listed(arity<T>());
    Section section{std::move(path), nullptr};
    if constexpr (Validated<T>) {
      section.validate = [&value](const std::string& where) { value.validate(where); };
    }
    binding->sections.push_back(std::move(section));
  }

 private:
  template <class T, class Rule>
  static constexpr bool takes() {
    const bool is_text =
        std::is_same_v<T, std::string> || std::is_same_v<T, std::vector<std::string>>;
    return std::is_same_v<Rule, MayChange> || std::is_same_v<Rule, TextRule> == is_text;
  }

  static MayChange may_change_of(MayChange mark) { return mark; }
  static MayChange may_change_of(const auto& /*rule*/) { return MayChange::kNo; }

  static void set_rule(NumberRule rule, Setting* setting) { setting->numbers = std::move(rule); }
  static void set_rule(TextRule rule, Setting* setting) { setting->texts = std::move(rule); }
  static void set_rule(MayChange, Setting* /*setting*/) {}

  template <class T>
  static Variable variable_of(T& value) {
    if constexpr (std::is_enum_v<T>) {
      const auto name = [](const auto& listed) { return std::string(listed.first); };
      return EnumVariable{mapped(enum_names(T{}), name), [&value] { return position_of(value); },
                          [&value](size_t i) { value = enum_names(T{}).at(i).second; }};
    } else {
      return &value;
    }
  }

  template <class Enum>
  static size_t position_of(Enum value) {
    const auto names = enum_names(Enum{});
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i].second == value) {
        return i;
      }
    }
    throw std::logic_error("an enum setting holds a value that its enum_names does not list");
  }

  void add(Setting setting);
  void require_all_listed(size_t num_members) const;

  Binding* binding_;
  std::string section_;
  MayChange may_change_;
  size_t num_listed_ = 0;
};

// Binds every setting of `config`, which must outlive the result.
template <SectionType T>
Binding bind(T& config) {
  Binding binding;
  Binder::bind_section(config, "", &binding);
  if constexpr (requires { T::retired(); }) {
    binding.retired = T::retired();
  }
  return binding;
}

}  // namespace moca::config
