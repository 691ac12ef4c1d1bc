#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

#include "moca/config/rules.h"
#include "moca/nn/linear.h"

namespace moca::nn {

// Low-rank adapters with peft's words and scaling.
struct LoraConfig {
  int64_t rank = 8;                     // r (peft: 8)
  double alpha = 8;                     // lora_alpha
  bool rank_stabilised = false;         // use_rslora
  std::vector<std::string> targets;     // ends of module names, as in target_modules
  std::vector<std::string> also_train;  // likewise, as in modules_to_save

  static void fields(auto& self, auto&& v) {
    v("rank", self.rank, "r of the adapters (peft: 8)", config::at_least(1));
    v("alpha", self.alpha, "adapters count alpha / rank (peft: 8)", config::above(0.0));
    v("rank_stabilised", self.rank_stabilised, "they count alpha / sqrt(rank) (peft: use_rslora)");
    v("targets", self.targets,
      "ends of the names of linear layers that get one, such as attn1.to_q or mlp.fc1");
    v("also_train", self.also_train,
      "ends of the names of modules that are trained whole beside the adapters, such as "
      "patch_embeddings.projection (peft: modules_to_save)");
  }

  // alpha / r, or alpha / sqrt(r) when rank-stabilised.
  double scaling() const;
};

// Gives a linear layer an adapter that changes nothing yet.
void add_lora(LinearImpl& layer, int64_t rank, double scaling);

// Adds an adapter to every linear layer of attention and feed-forward whose name is a target or
// ends in ".target" (peft's rule) and returns their names. Throws Error for a target that no layer
// has.
std::vector<std::string> add_lora(torch::nn::Module& module, const LoraConfig& config);

// Freezes the weights and biases that carry an adapter: the adapter is trained in their place.
void freeze_adapted_layers(torch::nn::Module& module);

// Every parameter of the modules that are trained whole beside the adapters is trained from now on.
// Throws Error for a name that no module with parameters has.
void train_beside_adapters(torch::nn::Module& module, const LoraConfig& config);

// Adds every adapter to its weight for good; the module is then a plain one again.
void merge_lora(torch::nn::Module& module);

}  // namespace moca::nn
