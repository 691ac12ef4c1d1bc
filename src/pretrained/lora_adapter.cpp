#include "moca/pretrained/lora_adapter.h"

#include <nlohmann/json.hpp>

#include "json_reader.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca::pretrained {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kPeftPrefix = "base_model.model.";  // peft: before every module's name

bool is_adapter(const std::string& name) { return name.find(".lora_") != std::string::npos; }

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
  config.rank = json.integer("r", 8, 1, 1 << 16);
  config.alpha = json.number("lora_alpha", 8);
  config.rank_stabilised = json.boolean("use_rslora", false);
  config.targets = json.texts("target_modules");
  if (config.targets.empty()) {
    json.refuse("target_modules", "It must be a list of ends of layer names.");
  }
  return config;
}

}  // namespace

nn::LoraConfig load_lora(torch::nn::Module& module, const std::filesystem::path& folder) {
  const auto config = read_config(folder / kConfigFile);
  const checkpoint::Weights weights(folder / kWeightsFile);
  nn::add_lora(module, config);
  checkpoint::LoadRules rules;
  rules.prefix = kPeftPrefix;
  for (const auto& item : module.named_parameters()) {
    if (!is_adapter(item.key())) {
      rules.fresh.push_back(item.key());  // the layers themselves are not in an adapter's file
    }
  }
  for (const auto& item : module.named_buffers()) {
    rules.fresh.push_back(item.key());
  }
  for (const auto& [name, entry] : weights.entries()) {
    if (name.rfind(kPeftPrefix, 0) != 0) {
      throw Error(weights.path().string() + ": '" + name + "' does not begin with " + kPeftPrefix +
                  ": the file is no adapter of peft.");
    }
  }
  checkpoint::load_state(module, weights, rules);
  return config;
}

void save_lora(const torch::nn::Module& module, const nn::LoraConfig& config,
               const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder)) {
    throw Error("the folder " + folder.string() +
                " exists already and is not overwritten. Remove it or name another.");
  }
  checkpoint::NamedTensors adapters;
  for (const auto& [name, tensor] : checkpoint::state_of(module)) {
    if (is_adapter(name)) {
      adapters.emplace_back(kPeftPrefix + name, tensor);
    }
  }
  std::filesystem::create_directories(folder);
  checkpoint::write_safetensors(folder / kWeightsFile, adapters, {{"format", "pt"}});
  const OrderedJson json = {{"peft_type", "LORA"},
                            {"base_model_name_or_path", nullptr},
                            {"task_type", nullptr},
                            {"inference_mode", true},
                            {"r", config.rank},
                            {"lora_alpha", config.alpha},
                            {"lora_dropout", 0.0},
                            {"use_rslora", config.rank_stabilised},
                            {"use_dora", false},
                            {"bias", "none"},
                            {"fan_in_fan_out", false},
                            {"modules_to_save", nullptr},
                            {"target_modules", config.targets}};
  write_file(folder / kConfigFile, json.dump(2) + "\n");
}

}  // namespace moca::pretrained
