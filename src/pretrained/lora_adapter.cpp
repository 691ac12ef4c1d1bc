#include "moca/pretrained/lora_adapter.h"

#include "json_reader.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"

namespace moca::pretrained {
namespace {

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kPeftPrefix = "base_model.model.";  // peft: before every module's name

nn::LoraConfig read_config(const std::filesystem::path& file) {
  JsonReader json(file);
  json.require("peft_type", "LORA");
  json.require("bias", "none");
  json.require("use_dora", false);
  json.require("fan_in_fan_out", false);
  json.require("rank_pattern", nlohmann::json::object());
  json.require("alpha_pattern", nlohmann::json::object());
  json.require("modules_to_save", nlohmann::json::array());
  nn::LoraConfig config;
  json("r", config.rank, config::in_range(1, 1 << 16));
  json("lora_alpha", config.alpha);
  json("use_rslora", config.rank_stabilised);
  json("target_modules", config.targets);
  if (config.targets.empty()) {
    json.refuse("target_modules", "It must be a list of ends of layer names.");
  }
  return config;
}

}  // namespace

nn::LoraConfig load_lora(torch::nn::Module& module, const std::filesystem::path& folder) {
  if (!std::filesystem::is_regular_file(folder / kConfigFile)) {
    throw Error(folder, ": no ", kConfigFile,
                " here; name the folder of a LoRA adapter, as peft saves it.");
  }
  const auto config = read_config(folder / kConfigFile);
  const checkpoint::Weights weights(folder / kWeightsFile);
  nn::add_lora(module, config);
  checkpoint::LoadRules rules{.prefix = kPeftPrefix};
  for (const auto& [name, tensor] : checkpoint::state_of(module)) {
    if (name.find(".lora_") == std::string::npos) {
      rules.fresh.push_back(name);  // the layers themselves are not in an adapter's file
    }
  }
  for (const auto& [name, entry] : weights.entries()) {
    if (!name.starts_with(kPeftPrefix)) {
      throw Error(weights.path(), ": '", name, "' does not begin with ", kPeftPrefix,
                  ": the file is no adapter of peft.");
    }
  }
  checkpoint::load_state(module, weights, rules);
  return config;
}

}  // namespace moca::pretrained
