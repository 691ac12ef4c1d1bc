#include "moca/training/update_rule.h"

#include <map>
#include <stdexcept>
#include <utility>

#include "moca/config/suggestion.h"
#include "moca/core/error.h"

namespace moca::training {

// Every optimiser is a file of its own; here are its function and its line of the table.
std::unique_ptr<UpdateRule> make_adamw(const OptimizerConfig& config);

namespace {

std::map<std::string, MakeUpdateRule>& table() {
  static std::map<std::string, MakeUpdateRule> rules = {
      {"adamw", make_adamw},
  };
  return rules;
}

}  // namespace

void register_optimizer(const std::string& name, MakeUpdateRule make) {
  if (!table().emplace(name, std::move(make)).second) {
    throw std::logic_error("there are two optimisers '" + name + "'");
  }
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : table()) {
    names.push_back(name);
  }
  return names;
}

std::unique_ptr<UpdateRule> make_update_rule(const OptimizerConfig& config) {
  const auto found = table().find(config.name);
  if (found == table().end()) {
    throw Error("training.optimizer.name must be one of " +
                config::braced(config::nearest_first(config.name, optimizer_names())) + ", got '" +
                config.name + "'.");
  }
  return found->second(config);
}

}  // namespace moca::training
