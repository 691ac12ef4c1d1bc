#pragma once

#include <filesystem>

#include "moca/nn/lora.h"

// peft's adapter folders: adapter_config.json and adapter_model.safetensors.
namespace moca::pretrained {

// Adds the adapters that the folder describes to the module's linear layers and loads them; every
// tensor must have a place. Options that we lack (DoRA, trained biases, patterns) are refused.
nn::LoraConfig load_lora(torch::nn::Module& module, const std::filesystem::path& folder);

}  // namespace moca::pretrained
