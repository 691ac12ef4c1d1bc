#include "moca/training/parameter_groups.h"

#include <ATen/core/Tensor.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>

#include "moca/core/error.h"

namespace moca::training {
namespace {

// Every pattern must match something: a misspelt one would change nothing, silently.
void check_matches_any(const std::string& pattern, const std::vector<std::string>& names,
                       const std::string& setting) {
  const bool any =
      std::ranges::any_of(names, [&](const std::string& name) { return matches(name, pattern); });
  if (!any) {
    throw Error(setting, ": no parameter that is trained matches '", pattern,
                "'. Their names are like '", names.front(), "' and '", names.back(),
                "'; * stands for any text.");
  }
}

// "pattern=factor".
std::pair<std::string, double> pattern_and_factor(const std::string& text) {
  const auto equals = text.rfind('=');
  double factor = 0;
  const char* const begin = text.c_str() + (equals == std::string::npos ? text.size() : equals + 1);
  const char* const end = text.c_str() + text.size();
  const auto [stop, failure] = std::from_chars(begin, end, factor);
  if (equals == std::string::npos || failure != std::errc() || stop != end || factor < 0) {
    throw Error("training.optimizer.learning_rate_factors: '", text,
                "' is no pattern and factor. Write for example 'dit.blocks.*.router.*=10'.");
  }
  return {text.substr(0, equals), factor};
}

}  // namespace

std::vector<std::string> trainable_names(const torch::nn::Module& model) {
  std::vector<std::string> names;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) {
      names.push_back(item.key());
    }
  }
  return names;
}

bool matches(const std::string& name, const std::string& pattern) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

void freeze(torch::nn::Module& module, const OptimizerConfig& config) {
  const auto names = trainable_names(module);
  for (const auto& pattern : config.frozen) {
    check_matches_any(pattern, names, "training.optimizer.frozen");
    for (auto& item : module.named_parameters()) {
      if (matches(item.key(), pattern)) {
        item.value().set_requires_grad(false);
      }
    }
  }
  if (trainable_names(module).empty()) {
    throw Error("training.optimizer.frozen leaves no parameter to train.");
  }
}

std::vector<ParameterOptions> options_of(const std::vector<std::string>& names,
                                         const OptimizerConfig& config) {
  std::vector<ParameterOptions> found(names.size(), {1.0, config.weight_decay});
  for (const auto& pattern : config.no_weight_decay) {
    check_matches_any(pattern, names, "training.optimizer.no_weight_decay");
    for (size_t i = 0; i < names.size(); ++i) {
      found[i].weight_decay = matches(names[i], pattern) ? 0.0 : found[i].weight_decay;
    }
  }
  for (const auto& text : config.learning_rate_factors) {
    const auto [pattern, factor] = pattern_and_factor(text);
    check_matches_any(pattern, names, "training.optimizer.learning_rate_factors");
    for (size_t i = 0; i < names.size(); ++i) {
      found[i].learning_rate_factor =
          matches(names[i], pattern) ? factor : found[i].learning_rate_factor;
    }
  }
  return found;
}

}  // namespace moca::training
