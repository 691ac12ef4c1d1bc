#include "moca/generation/adapter.h"

#include <utility>

#include "moca/config/kind_table.h"
#include "moca/core/error.h"

namespace moca::generation {

AdapterKind lora_adapter();  // each in its own file of adapters/

namespace {

config::KindTable<AdapterKind>& adapter_table() {
  static config::KindTable<AdapterKind> kinds(
      "adapter.kind", {{{"none", "the denoiser's own weights are trained", config::NoSettings()},
                        [](ComponentDenoiser&, const AdapterConfig&) {},
                        [](ComponentDenoiser&) {}},
                       lora_adapter()});
  return kinds;
}

}  // namespace

config::Choice known_adapters() { return adapter_table().choice(); }

void register_adapter(AdapterKind kind) { adapter_table().add(std::move(kind)); }

void AdapterConfig::validate(const std::string& path) const {
  if (const auto& adapter = adapter_table().chosen(this->kind); adapter.validate) {
    adapter.validate(*this, path + "." + kind.name);
  }
}

void attach_adapter(ComponentDenoiser& denoiser, const AdapterConfig& config) {
  adapter_table().chosen(config.kind).attach(denoiser, config);
}

void merge_adapter(ComponentDenoiser& denoiser, const AdapterConfig& config) {
  const auto& merge = adapter_table().chosen(config.kind).merge;
  if (!merge) {
    throw Error("adapter.kind ", config.kind.name,
                " cannot be merged into the model's own weights, which other programs could read.");
  }
  merge(denoiser);
}

}  // namespace moca::generation
