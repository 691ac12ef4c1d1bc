#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

namespace moca::nn {

// Low-rank adapters with peft's words and scaling.
struct LoraConfig {
  int64_t rank = 8;                  // r
  double alpha = 8;                  // lora_alpha
  bool rank_stabilised = false;      // use_rslora
  std::vector<std::string> targets;  // ends of module names, as in target_modules

  // alpha / r, or alpha / sqrt(r) when rank-stabilised.
  double scaling() const;
};

// Adds an adapter to every linear layer of attention and feed-forward whose name is a target or
// ends in ".target" (peft's rule) and returns their names. Throws Error for a target that no layer
// has.
std::vector<std::string> add_lora(torch::nn::Module& module, const LoraConfig& config);

// Adds every adapter to its weight for good; the module is then a plain one again.
void merge_lora(torch::nn::Module& module);

}  // namespace moca::nn
