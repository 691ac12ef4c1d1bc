#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "moca/config/rules.h"
#include "moca/image_encoder/vision_block.h"

namespace moca::image_encoder {

struct ImageEncoderConfig {
  int64_t image_size = 224;
  int64_t num_channels = 3;
  int64_t patch_size = 14;
  int64_t width = 1024;
  int64_t num_layers = 24;
  int64_t num_heads = 16;
  int64_t position_grid = 37;
  bool trainable = false;

  static void fields(auto& self, auto&& v) {
    using config::at_least;
    v("image_size", self.image_size, "side of the square input in pixels", at_least(1));
    v("num_channels", self.num_channels, "3: RGB; 7: two RGB pictures and an instance mask",
      config::one_of({3, 7}));
    v("patch_size", self.patch_size, "side of a patch in pixels (DINOv2: 14)", at_least(1));
    v("width", self.width, "width of an image token (DINOv2-large: 1024)", at_least(1));
    v("num_layers", self.num_layers, "transformer blocks (DINOv2-large: 24)", at_least(1));
    v("num_heads", self.num_heads, "attention heads (DINOv2-large: 16)", at_least(1));
    v("position_grid", self.position_grid,
      "side of the stored position table in patches (DINOv2: 37)", at_least(1));
    v("trainable", self.trainable,
      "train it with the DiT (from scratch in the tiny configurations)");
  }
  void validate(const std::string& path) const;
};

// The vision transformer of DINOv2, with the keys of its checkpoints. A picture becomes a class
// token and one token per patch, row by row.
class ImageEncoderImpl : public torch::nn::Module {
 public:
  explicit ImageEncoderImpl(const ImageEncoderConfig& config);

  // images: [B, channels, image_size, image_size], normalised by `normalise_images`.
  // Returns image tokens [B, T, D_image], T = 1 + patches.
  at::Tensor forward(const at::Tensor& images);

  const ImageEncoderConfig& config() const { return config_; }

 private:
  at::Tensor position_table(int64_t rows,
                            int64_t columns) const;  // [1, 1 + rows * columns, D_image]

  ImageEncoderConfig config_;
  at::Tensor class_token_;
  at::Tensor mask_token_;  // in the checkpoints, unused
  at::Tensor positions_;
  at::Tensor patch_weight_;
  at::Tensor patch_bias_;
  std::vector<VisionBlock> layers_;
  nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(ImageEncoder);

// RGB bytes [B, image_size, image_size, 3] to the encoder's input [B, 3, image_size, image_size]:
// scaled to [0, 1], ImageNet's mean taken off and divided by its deviation (as DINOv2's processor
// does).
at::Tensor normalise_images(const at::Tensor& bytes);

}  // namespace moca::image_encoder
