#pragma once

#include <functional>
#include <string>

#include "moca/config/choice.h"
#include "moca/generation/component_denoiser.h"

// What is trained beside a denoiser whose own weights are frozen. A kind of ours is a file in
// src/generation/adapters/ and its line in adapter.cpp; a program that uses this library adds its
// own with register_adapter before it reads any config. LoRA changes weights (nn::WeightAdapter);
// others change what attention gives (dit::AttentionAdapter).
namespace moca::generation {

// The kinds that this program knows; the first is none.
config::Choice known_adapters();

struct AdapterConfig {
  config::Choice kind = known_adapters();

  static void fields(auto& self, auto&& v) { v("kind", self.kind); }
  void validate(const std::string& path) const;
};

struct AdapterKind {
  config::Option option;  // its name, what it is, and its settings
  // Adds it to a denoiser, changing nothing yet, and freezes what is not trained any more.
  std::function<void(ComponentDenoiser&, const AdapterConfig&)> attach;
  // Puts it into the denoiser's own weights; none: that cannot be done.
  std::function<void(ComponentDenoiser&)> merge = {};
  // Refuses settings when the kind is chosen. `path`: of its section.
  std::function<void(const AdapterConfig&, const std::string& path)> validate = {};
};

// Adds a kind to those that `adapter.kind` can name.
void register_adapter(AdapterKind kind);

void attach_adapter(ComponentDenoiser& denoiser, const AdapterConfig& config);
// Throws Error for a kind that cannot be merged.
void merge_adapter(ComponentDenoiser& denoiser, const AdapterConfig& config);

}  // namespace moca::generation
