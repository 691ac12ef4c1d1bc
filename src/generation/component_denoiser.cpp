#include "moca/generation/component_denoiser.h"

#include <ATen/ATen.h>

namespace moca::generation {
namespace {

dit::ConditionKinds kinds_of(const image_encoder::ImageEncoderConfig& image,
                             const std::vector<std::shared_ptr<Conditioner>>& more) {
  dit::ConditionKinds kinds = {{"image", image.width}};
  for (const auto& conditioner : more) {
    kinds.push_back({conditioner->name(), conditioner->size().width});
  }
  return kinds;
}

}  // namespace

ComponentDenoiserImpl::ComponentDenoiserImpl(
    const dit::DitConfig& dit_config, const image_encoder::ImageEncoderConfig& encoder_config,
    int64_t latent_channels, Conditioners more)
    : dit_(register_module(
          "dit", dit::MocaDit(dit_config, latent_channels, kinds_of(encoder_config, more)))),
      image_(ImageConditioner::make(encoder_config)),
      conditioners_(std::move(more)) {
  conditioners_.insert(conditioners_.begin(), image_);
  for (const auto& conditioner : conditioners_) {
    if (const auto module = conditioner->module()) {
      register_module(conditioner->module_name(), module);
    }
  }
  latent_statistics_ = register_module("latent_statistics", vae::LatentStatistics(latent_channels));
  if (!encoder_config.trainable) {
    for (auto& parameter : image_encoder()->parameters()) {
      parameter.set_requires_grad(false);
    }
  }
}

std::vector<dit::Condition> ComponentDenoiserImpl::conditions(const std::vector<at::Tensor>& inputs,
                                                              const at::Tensor& component_mask) {
  std::vector<dit::Condition> conditions;
  for (size_t i = 0; i < conditioners_.size(); ++i) {
    conditions.push_back(conditioners_[i]->condition(inputs.at(i), component_mask));
  }
  return conditions;
}

at::Tensor ComponentDenoiserImpl::velocity(const dit::DitInput& input,
                                           const std::optional<at::Generator>& generator) {
  return dit_->forward(input, generator);
}

}  // namespace moca::generation
