#include "moca/nn/lora.h"

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "moca/core/error.h"
#include "moca/nn/layers.h"
#include "moca/ops/float_product.h"

namespace moca::nn {
namespace {

bool is_target(const std::string& name, const std::string& target) {
  return name == target || name.ends_with("." + target);
}

at::Tensor register_weight(torch::nn::Module& owner, const char* name, const at::Tensor& value) {
  return register_group(owner, name)->register_parameter("weight", value);
}

// weight + scaling * B A, the parameters lora_A.weight [rank, in] and lora_B.weight [out, rank] of
// the layer, as in peft. It changes nothing yet: A uniform as torch's linear layer, B zero.
class LowRank : public WeightAdapter {
 public:
  LowRank(LinearImpl& layer, int64_t rank, double scaling) : scaling_(scaling) {
    const auto& weight = layer.weight;
    auto down = at::empty({rank, weight.size(1)}, weight.options().requires_grad(false));
    torch::nn::init::kaiming_uniform_(down, std::sqrt(5.0));  // peft: reset_lora_parameters
    a_ = register_weight(layer, "lora_A", down);
    b_ = register_weight(layer, "lora_B", at::zeros({weight.size(0), rank}, down.options()));
  }

  at::Tensor adapted(const at::Tensor& weight) const override {
    // In float, as merge_lora computes it, also where the layer's product is under autocast.
    return (weight + scaling_ * ops::float_product(b_, a_.t())).to(weight.scalar_type());
  }

 private:
  double scaling_;
  at::Tensor a_, b_;
};

}  // namespace

void add_lora(LinearImpl& layer, int64_t rank, double scaling) {
  TORCH_CHECK(!layer.adapter(), "a linear layer carries one adapter at most");
  TORCH_CHECK(rank >= 1, "the rank of a LoRA adapter must be at least 1, got ", rank);
  layer.set_adapter(std::make_shared<LowRank>(layer, rank, scaling));
}

double LoraConfig::scaling() const {
  const auto r = static_cast<double>(rank);
  return alpha / (rank_stabilised ? std::sqrt(r) : r);
}

std::vector<std::string> add_lora(torch::nn::Module& module, const LoraConfig& config) {
  std::vector<std::string> names;
  for (const auto& item : module.named_modules()) {
    auto* const layer = item.value()->as<LinearImpl>();
    const auto is_it = [&](const auto& target) { return is_target(item.key(), target); };
    if (layer != nullptr && std::ranges::any_of(config.targets, is_it)) {
      add_lora(*layer, config.rank, config.scaling());
      names.push_back(item.key());
    }
  }
  for (const auto& target : config.targets) {
    const auto is_it = [&](const auto& name) { return is_target(name, target); };
    if (std::ranges::none_of(names, is_it)) {
      throw Error("LoRA: no linear layer of the model is called '", target,
                  "'. Name ends of layer names, such as to_q or attention.query.");
    }
  }
  return names;
}

void freeze_adapted_layers(torch::nn::Module& module) {
  for (const auto& child : module.modules()) {
    auto* const layer = child->as<LinearImpl>();
    if (layer != nullptr && layer->adapter()) {
      layer->weight.set_requires_grad(false);
      if (layer->bias.defined()) {
        layer->bias.set_requires_grad(false);
      }
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
      throw Error("adapter.lora.also_train: no module with parameters is called '", wanted,
                  "'. Name ends of module names, such as patch_embeddings.projection.");
    }
  }
}

void merge_lora(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (const auto& child : module.modules()) {
    auto* const layer = child->as<LinearImpl>();
    if (layer != nullptr && layer->adapter()) {
      layer->weight.copy_(layer->effective_weight());
      layer->set_adapter(nullptr);
      layer->unregister_module("lora_A");
      layer->unregister_module("lora_B");
    }
  }
}

}  // namespace moca::nn
