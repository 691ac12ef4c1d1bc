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
  // thing: what the kinds are of, in messages: "data source".
  KindTable(std::string thing, std::vector<Kind> kinds)
      : thing_(std::move(thing)), kinds_(std::move(kinds)) {}

  void add(Kind kind) {
    for (const Kind& known : kinds_) {
      if (known.option.name == kind.option.name) {
        throw std::logic_error("there are two kinds of " + thing_ + " called '" + kind.option.name +
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
    throw Error("the " + thing_ + " must be one of " + braced(names) + ", got '" + choice.name +
                "'." + did_you_mean(choice.name, names));
  }

 private:
  std::string thing_;
  std::vector<Kind> kinds_;
};

}  // namespace moca::config
