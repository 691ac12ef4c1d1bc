#pragma once

#include <torch/nn/module.h>

#include "moca/checkpoint/weights.h"

namespace moca::checkpoint {

// All parameters and buffers under their registered names.
NamedTensors state_of(const torch::nn::Module& module);

// How the names of a file become those of a module. Names of the file are meant without `prefix`.
struct LoadRules {
  std::string prefix = {};  // picks a part of the file ("vae."); names without it are left alone
  std::map<std::string, std::string> renamed = {};  // name in the file -> name in the module
  // Beginnings of names in the module that may be absent from the file and keep their values.
  std::vector<std::string> fresh = {};
  // Beginnings of names in the file that are known and not loaded.
  std::vector<std::string> unused = {};
};

// Where every tensor went: names of the module, names of the module, names of the file.
struct LoadReport {
  std::vector<std::string> loaded;
  std::vector<std::string> fresh;
  std::vector<std::string> refused;
};

// Copies the weights into the module; floating-point types are converted, others must be equal.
// A tensor that is missing, unexpected, of a wrong shape or type, or not finite is an Error that
// names file and key, and the module is unchanged.
LoadReport load_state(torch::nn::Module& module, const Weights& weights,
                      const LoadRules& rules = {});

}  // namespace moca::checkpoint
