#pragma once

#include <memory>
#include <optional>

#include "moca/generation/conditioner.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/image_encoder/preprocess.h"

namespace moca::generation {

// The asset's image, or what an encoder of 7 channels sees of every component.
class ImageConditioner : public Conditioner {
 public:
  static std::shared_ptr<ImageConditioner> make(const image_encoder::ImageEncoderConfig& config);

  std::string name() const override { return "image"; }
  std::shared_ptr<torch::nn::Module> module() const override { return encoder_.ptr(); }
  std::string module_name() const override { return "image_encoder"; }
  dit::DitSizes::ConditionSize size() const override;
  void check(const data::PreparedDataset& dataset) const override;
  double flops(int64_t num_assets, int64_t num_components) const override;

  image_encoder::ImageEncoder encoder() const { return encoder_; }
  // Requests' images are prepared as DINOv2's processor does instead of as `image_to_input`.
  void set_preprocess(const image_encoder::PreprocessConfig& config) { preprocess_ = config; }

 protected:
  ImageConditioner(const image_encoder::ImageEncoderConfig& config, dit::ConditionScope scope)
      : encoder_(config), scope_(scope) {}

  image_encoder::ImageEncoder encoder_;
  dit::ConditionScope scope_;
  std::optional<image_encoder::PreprocessConfig> preprocess_;
};

// The image encoder's input [3, S, S] from an image: composited on white, padded to a square,
// resized.
at::Tensor image_to_input(const Image& image, int64_t image_size);

// The same with the image's component map, for an image encoder of 7 channels: [N, 7, S, S].
at::Tensor component_images_to_input(const Image& image, const ComponentMap& component_map,
                                     int64_t num_components, int64_t image_size);

}  // namespace moca::generation
