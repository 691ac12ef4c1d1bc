#include "moca/checkpoint/module_state.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "error_text.h"
#include "moca/core/error.h"
#include "safetensors_header.h"

namespace moca::checkpoint {
namespace {

// A tensor of the module and where it comes from.
struct Target {
  at::Tensor tensor;
  std::string source;  // full name in the file; empty as long as none was found
};

// What goes where, and everything that does not fit, without a weight being read.
struct Plan {
  std::map<std::string, Target> targets;
  std::vector<std::string> refused;
  std::vector<std::string> mistakes;
};

bool begins_with_any(const std::string& name, const std::vector<std::string>& beginnings) {
  return std::ranges::any_of(beginnings,
                             [&](const auto& beginning) { return name.starts_with(beginning); });
}

// The name in the file, with the module's where a rule says another one.
std::string both_names(const std::string& source, const std::string& target,
                       const LoadRules& rules) {
  const bool same = source == rules.prefix + target;
  return in_quotes(source) + (same ? "" : " (the model's " + in_quotes(target) + ")");
}

// Finds the place of one tensor of the file.
void place(Plan& plan, const std::string& source, const SafetensorsFile::Entry& entry,
           const LoadRules& rules) {
  const auto name = source.substr(rules.prefix.size());
  if (begins_with_any(name, rules.unused)) {
    plan.refused.push_back(source);
    return;
  }
  const auto renamed = rules.renamed.find(name);
  const auto& target_name = renamed == rules.renamed.end() ? name : renamed->second;
  const auto found = plan.targets.find(target_name);
  if (found == plan.targets.end()) {
    plan.mistakes.push_back(both_names(source, target_name, rules) + " " +
                            c10::str(at::IntArrayRef(entry.shape)) + " has no place in the model");
    return;
  }
  auto& target = found->second;
  if (!target.source.empty()) {
    plan.mistakes.push_back(in_quotes(source) + " and " + in_quotes(target.source) +
                            " have one place in the model, " + in_quotes(target_name));
    return;
  }
  target.source = source;
  if (const auto what = misfit(entry, target.tensor); !what.empty()) {
    plan.mistakes.push_back(both_names(source, target_name, rules) + " " + what);
  }
}

// What the file would call a tensor of the module.
std::string name_in_file(const std::string& name, const LoadRules& rules) {
  const auto in_module = [](const auto& renamed) { return renamed.second; };
  const auto found = std::ranges::find(rules.renamed, name, in_module);
  return rules.prefix + (found == rules.renamed.end() ? name : found->first);
}

Plan make_plan(const torch::nn::Module& module, const Weights& weights, const LoadRules& rules) {
  Plan plan;
  for (const auto& [name, tensor] : state_of(module)) {
    plan.targets.emplace(name, Target{tensor, ""});
  }
  for (const auto& [name, entry] : weights.entries()) {
    if (name.starts_with(rules.prefix)) {
      place(plan, name, entry, rules);
    }
  }
  for (const auto& [name, target] : plan.targets) {
    if (target.source.empty() && !begins_with_any(name, rules.fresh)) {
      plan.mistakes.push_back(both_names(name_in_file(name, rules), name, rules) + " " +
                              c10::str(target.tensor.sizes()) + " is missing");
    }
  }
  return plan;
}

}  // namespace

NamedTensors state_of(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) {
    tensors.emplace_back(item.key(), item.value().detach());
  }
  for (const auto& item : module.named_buffers()) {
    tensors.emplace_back(item.key(), item.value());
  }
  return tensors;
}

LoadReport load_state(torch::nn::Module& module, const Weights& weights, const LoadRules& rules) {
  auto plan = make_plan(module, weights, rules);
  if (!plan.mistakes.empty()) {
    const auto others = plan.mistakes.size() - 1;
    throw Error(weights.path(), ": ", plan.mistakes.front(),
                (others == 0 ? "" : " (and " + std::to_string(others) + " more mistakes)"),
                ". The checkpoint is of another architecture; use the config it was trained with.");
  }
  LoadReport report{.loaded = {}, .fresh = {}, .refused = std::move(plan.refused)};
  for (const auto& [name, target] : plan.targets) {
    (target.source.empty() ? report.fresh : report.loaded).push_back(name);
  }
  for (const auto& name : report.loaded) {
    weights.check_finite(plan.targets.at(name).source);
  }
  for (const auto& name : report.loaded) {
    const auto& target = plan.targets.at(name);
    weights.read_into(target.source, target.tensor);
  }
  return report;
}

}  // namespace moca::checkpoint
