#pragma once

#include <torch/nn/module.h>

#include <string>

#include "moca/checkpoint/safetensors.h"

namespace moca::checkpoint {

// All parameters and buffers under their registered names.
NamedTensors state_of(const torch::nn::Module& module);

// Copies a file's tensors into the module. Every name must be known and every parameter found, with
// equal shapes: otherwise an Error names the key with expected and found shape, and the module is
// unchanged. `prefix` picks a part of the file ("vae." for a file that holds more).
void load_state(torch::nn::Module& module, const SafetensorsFile& file,
                const std::string& prefix = "");

}  // namespace moca::checkpoint
