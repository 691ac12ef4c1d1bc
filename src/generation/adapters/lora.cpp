#include "moca/nn/lora.h"

#include "moca/core/error.h"
#include "moca/generation/adapter.h"

namespace moca::generation {

AdapterKind lora_adapter() {
  AdapterKind kind{{"lora",
                    "adapters on layers of the DiT and the image encoder, whose own weights are "
                    "then frozen",
                    nn::LoraConfig()},
                   [](ComponentDenoiser& denoiser, const AdapterConfig& config) {
                     const auto& lora = config.kind.settings<nn::LoraConfig>();
                     nn::add_lora(*denoiser, lora);
                     nn::freeze_adapted_layers(*denoiser);
                     nn::train_beside_adapters(*denoiser, lora);
                   }};
  kind.merge = [](ComponentDenoiser& denoiser) { nn::merge_lora(*denoiser); };
  kind.validate = [](const AdapterConfig& config, const std::string& path) {
    if (config.kind.settings<nn::LoraConfig>().targets.empty()) {
      throw Error(path,
                  ".targets is empty, but adapter.kind is lora: name the layers that get an "
                  "adapter, as [attn1.to_q, attn1.to_v].");
    }
  };
  return kind;
}

}  // namespace moca::generation
