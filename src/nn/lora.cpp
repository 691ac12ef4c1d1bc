#include "moca/nn/lora.h"

#include <algorithm>
#include <cmath>

#include "moca/core/error.h"
#include "moca/nn/linear.h"

namespace moca::nn {
namespace {

bool is_target(const std::string& name, const std::string& target) {
  return name == target || name.ends_with("." + target);
}

}  // namespace

double LoraConfig::scaling() const {
  const auto r = static_cast<double>(rank);
  return alpha / (rank_stabilised ? std::sqrt(r) : r);
}

void LoraConfig::validate(const std::string& path) const {
  if (rank > 0 && targets.empty()) {
    throw Error(path + ".targets is empty, but " + path + ".rank is " + std::to_string(rank) +
                ": name the layers that get an adapter, as [attn1.to_q, attn1.to_v].");
  }
  if (rank == 0 && !also_train.empty()) {
    throw Error(path + ".also_train names " + also_train.front() + ", but " + path +
                ".rank is 0, so that everything is trained: leave it out, or set the rank.");
  }
}

std::vector<std::string> add_lora(torch::nn::Module& module, const LoraConfig& config) {
  std::vector<std::string> names;
  std::vector<bool> found(config.targets.size(), false);
  for (const auto& item : module.named_modules()) {
    auto* layer = item.value()->as<LinearImpl>();
    if (layer == nullptr) {
      continue;
    }
    bool wanted = false;
    for (size_t i = 0; i < config.targets.size(); ++i) {
      if (is_target(item.key(), config.targets[i])) {
        wanted = found[i] = true;
      }
    }
    if (wanted) {
      layer->add_lora(config.rank, config.scaling());
      names.push_back(item.key());
    }
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) {
      throw Error("LoRA: no linear layer of the model is called '" + config.targets[i] +
                  "'. Name ends of layer names, such as to_q or attention.query.");
    }
  }
  return names;
}

void freeze_adapted_layers(torch::nn::Module& module) {
  for (const auto& child : module.modules()) {
    auto* const layer = child->as<LinearImpl>();
    if (layer == nullptr || !layer->has_lora()) {
      continue;
    }
    layer->weight.set_requires_grad(false);
    if (layer->bias.defined()) {
      layer->bias.set_requires_grad(false);
    }
  }
}

void train_beside_adapters(torch::nn::Module& module, const LoraConfig& config) {
  for (const auto& wanted : config.also_train) {
    bool found = false;
    for (auto& item : module.named_parameters()) {
      const auto owner = item.key().substr(0, item.key().rfind('.'));
      if (is_target(owner, wanted)) {
        item.value().set_requires_grad(true);
        found = true;
      }
    }
    if (!found) {
      throw Error("dit_training.lora.also_train: no module with parameters is called '" + wanted +
                  "'. Name ends of module names, such as patch_embeddings.projection.");
    }
  }
}

void merge_lora(torch::nn::Module& module) {
  for (const auto& child : module.modules()) {
    if (auto* layer = child->as<LinearImpl>()) {
      layer->merge_lora();
    }
  }
}

}  // namespace moca::nn
