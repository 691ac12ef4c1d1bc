#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/choice.h"
#include "moca/config/rules.h"
#include "moca/config/suggestion.h"
#include "moca/core/error.h"
#include "moca/core/mapped.h"

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
    if (std::ranges::find(kinds_, name_of(kind), name_of) != kinds_.end()) {
      throw std::logic_error("two options of " + setting_ + " are called '" + name_of(kind) + "'");
    }
    kinds_.push_back(std::move(kind));
  }

  // All of them; the first is the default.
  Choice choice() const { return Choice(mapped(kinds_, &Kind::option)); }

  // The one that is chosen. Throws Error for a name that only a program with more kinds knows.
  const Kind& chosen(const Choice& choice) const {
    if (const auto found = std::ranges::find(kinds_, choice.name, name_of); found != kinds_.end()) {
      return *found;
    }
    const auto names = mapped(kinds_, name_of);
    throw Error(setting_, " must be one of ", braced(nearest_first(choice.name, names)), ", got '",
                choice.name, "'.", did_you_mean(choice.name, names));
  }

 private:
  static const std::string& name_of(const Kind& kind) { return kind.option.name; }

  std::string setting_;
  std::vector<Kind> kinds_;
};

}  // namespace moca::config
