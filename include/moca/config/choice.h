#pragma once

#include <algorithm>
#include <any>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/binding.h"

namespace moca::config {

// One of the things that a Choice is between: its name in YAML, what it is, and the settings that
// it brings, of any struct with `fields`.
struct Option {
  template <SectionType T>
  Option(std::string option, std::string meaning, T defaults)
      : name(std::move(option)),
        help(std::move(meaning)),
        settings(std::move(defaults)),
        bind([](std::any& held, std::string path, Binding* binding, MayChange may_change) {
          Binder::bind_section(std::any_cast<T&>(held), std::move(path), binding, may_change);
        }),
        assign([](std::any& to, const std::any& from) {
          std::any_cast<T&>(to) = std::any_cast<const T&>(from);
        }) {}

  std::string name;
  std::string help;
  std::any settings;
  void (*bind)(std::any& held, std::string path, Binding* binding, MayChange may_change);
  void (*assign)(std::any& to, const std::any& from);
};

// Of an option that brings none.
struct NoSettings {
  static void fields(auto&, auto&&) {}
};

// A setting that names one of several options, each with a section of its name beside the setting:
//   source: meshes
//   meshes: {folder: scans}
// `fields` lists it by v("source", self.source). Which options there are is known when the program
// runs, so whoever holds a Choice does not change when an option is added.
struct Choice {
  explicit Choice(std::vector<Option> all) : name(all.at(0).name), options(std::move(all)) {}
  Choice(const Choice&) = default;
  // Of as many options into the same variables, which a Binding may know.
  Choice& operator=(const Choice& other) {
    name = other.name;
    if (options.size() != other.options.size()) {
      options = other.options;
    }
    for (size_t i = 0; i < options.size(); ++i) {
      options[i].assign(options[i].settings, other.options[i].settings);
    }
    return *this;
  }
  ~Choice() = default;

  // Those of the chosen option, whose type is T.
  template <class T>
  const T& settings() const {
    const auto chosen = std::ranges::find(options, name, &Option::name);
    return std::any_cast<const T&>(options.at(chosen - options.begin()).settings);
  }

  // The option that is not chosen and has the setting `path`, as "meshes.folder"; empty: none.
  std::string unchosen_owner(const std::string& path) const {
    for (const Option& option : options) {
      if (option.name != name && path.starts_with(option.name + ".")) {
        return option.name;
      }
    }
    return "";
  }

  std::string name;  // of the chosen option; at first the first
  std::vector<Option> options;
};

}  // namespace moca::config
