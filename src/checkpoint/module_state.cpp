#include "moca/checkpoint/module_state.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <map>
#include <sstream>

#include "moca/core/error.h"

namespace moca::checkpoint {
namespace {

std::string text_of(at::IntArrayRef sizes) {
  std::ostringstream text;
  text << sizes;
  return text.str();
}

[[noreturn]] void refuse(const SafetensorsFile& file, const std::string& what) {
  throw Error(file.path().string() + ": " + what +
              ". The checkpoint is of another architecture; use the config it was trained with.");
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

void load_state(torch::nn::Module& module, const SafetensorsFile& file, const std::string& prefix) {
  std::map<std::string, at::Tensor> targets;
  for (const auto& [name, tensor] : state_of(module)) {
    targets.emplace(prefix + name, tensor);
  }
  for (const auto& [name, entry] : file.entries()) {
    if (name.rfind(prefix, 0) == 0 && targets.count(name) == 0) {
      refuse(file, "'" + name + "' " + text_of(entry.shape) + " has no place in the model");
    }
  }
  for (const auto& [name, tensor] : targets) {
    const auto found = file.entries().find(name);
    if (found == file.entries().end()) {
      refuse(file, "'" + name + "' " + text_of(tensor.sizes()) + " is missing");
    }
    if (tensor.sizes() != at::IntArrayRef(found->second.shape)) {
      refuse(file, "'" + name + "' has the shape " + text_of(found->second.shape) +
                       ", the model expects " + text_of(tensor.sizes()));
    }
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : targets) {
    at::Tensor(tensor).copy_(file.read(name));
  }
}

}  // namespace moca::checkpoint
