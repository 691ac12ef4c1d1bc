#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/choice.h"
#include "moca/config/rules.h"
#include "moca/config/suggestion.h"
#include "moca/core/error.h"

namespace moca::config {

// The kinds of one thing that a program knows, each with the Option by which a config chooses it.
// A program that uses this library adds its own before it makes or reads any config.
template <class Kind>
class KindTable {
 public:
  // setting: the one that chooses, in messages: "data.source".
  KindTable(std::string setting, std::vector<Kind> kinds)
      : setting_(std::move(setting)), kinds_(std::move(kinds)) {}

  void add(Kind kind) {
    for (const Kind& known : kinds_) {
      if (known.option.name == kind.option.name) {
        throw std::logic_error("two options of " + setting_ + " are called '" + kind.option.name +
                               "'");
      }
    }
    kinds_.push_back(std::move(kind));
  }

  // All of them; the first is the default.
  Choice choice() const {
    std::vector<Option> options;
    for (const Kind& kind : kinds_) {
      options.push_back(kind.option);
    }
    return Choice(std::move(options));
  }

  // The one that is chosen. Throws Error for a name that only a program with more kinds knows.
  const Kind& chosen(const Choice& choice) const {
    std::vector<std::string> names;
    for (const Kind& kind : kinds_) {
      if (kind.option.name == choice.name) {
        return kind;
      }
      names.push_back(kind.option.name);
    }
    throw Error(setting_ + " must be one of " + braced(nearest_first(choice.name, names)) +
                ", got '" + choice.name + "'." + did_you_mean(choice.name, names));
  }

 private:
  std::string setting_;
  std::vector<Kind> kinds_;
};

}  // namespace moca::config
