#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "moca/config/rules.h"
#include "moca/nn/layers.h"

namespace moca::image_encoder {

struct ImageEncoderConfig {
  int64_t image_size = 224;
  int64_t num_channels = 3;
  int64_t patch_size = 14;
  int64_t width = 1024;
  int64_t num_layers = 24;
  int64_t num_heads = 16;
  int64_t mlp_ratio = 4;
  bool query_key_value_bias = true;
  bool gated_mlp = false;
  double norm_epsilon = 1e-6;
  int64_t position_grid = 37;
  bool trainable = false;

  static void fields(auto& self, auto&& v) {
    using config::at_least, config::in_range;
    v("image_size", self.image_size,
      "side of the square input in pixels; in stage dit, where it is left out, "
      "data.views.image_size",
      in_range(1, 4096));
    v("num_channels", self.num_channels,
      "3: the image; 7: for every component its own part of the image, the image and its "
      "mask (MIDI-3D; paper A.2 for scenes)",
      config::one_of({3, 7}));
    v("patch_size", self.patch_size, "side of a patch in pixels (DINOv2: 14)", at_least(1));
    v("width", self.width, "width of an image token (DINOv2-large: 1024)", at_least(1));
    v("num_layers", self.num_layers, "transformer blocks (DINOv2-large: 24)", at_least(1));
    v("num_heads", self.num_heads, "attention heads (DINOv2-large: 16)", at_least(1));
    v("mlp_ratio", self.mlp_ratio, "width inside the MLP over width (DINOv2: 4)", at_least(1));
    v("query_key_value_bias", self.query_key_value_bias,
      "the attention's projections have a bias (DINOv2: yes)");
    v("gated_mlp", self.gated_mlp, "SwiGLU instead of GELU in the MLP (DINOv2-giant: yes)");
    v("norm_epsilon", self.norm_epsilon, "epsilon of every LayerNorm (DINOv2: 1e-6)",
      config::above(0.0));
    v("position_grid", self.position_grid,
      "side of the stored position table in patches (DINOv2: 37); in stage dit, where it is left "
      "out, the pretrained encoder's or image_size / patch_size",
      in_range(1, 4096));
    v("trainable", self.trainable,
      "train it with the DiT (from scratch in the tiny configurations)");
  }
  void validate(const std::string& path) const;
  int64_t num_image_tokens() const;  // T: the class token and one per patch
  bool sees_components() const { return num_channels == 7; }
  // Floating point operations of the forward pass of one image (nn/flops.h).
  double forward_flops() const;
};

class VisionBlockImpl;

// The vision transformer of DINOv2, with the keys of its checkpoints. An image becomes a class
// token and one token per patch, row by row.
class ImageEncoderImpl : public torch::nn::Module {
 public:
  explicit ImageEncoderImpl(const ImageEncoderConfig& config);

  // images: [B, channels, height, width], multiples of patch_size, normalised by
  // `normalise_images`. Returns image tokens [B, T, D_image], T = 1 + patches. `hidden_states`, if
  // asked for, gets the embedded tokens and every block's output, before the last norm.
  at::Tensor forward(const at::Tensor& images, std::vector<at::Tensor>* hidden_states = nullptr);

  // The position table of an image of rows x columns patches: [1, 1 + rows * columns, D_image].
  at::Tensor position_table(int64_t rows, int64_t columns) const;

  const ImageEncoderConfig& config() const { return config_; }

 private:
  ImageEncoderConfig config_;
  at::Tensor class_token_;
  at::Tensor mask_token_;  // in the checkpoints, unused
  at::Tensor positions_;
  at::Tensor patch_weight_;
  at::Tensor patch_bias_;
  std::vector<std::shared_ptr<VisionBlockImpl>> layers_;
  nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(ImageEncoder);

// A stored position table [1, 1 + G * G, D_image] of G x G patches, stretched to rows x columns;
// the class token's entry stays as it is.
at::Tensor stretch_position_table(const at::Tensor& table, int64_t rows, int64_t columns);

// RGB bytes [B, image_size, image_size, 3] to the encoder's input [B, 3, image_size, image_size]:
// scaled to [0, 1], ImageNet's mean taken off and divided by its std (as DINOv2's processor
// does).
at::Tensor normalise_images(const at::Tensor& bytes);

// What an encoder of 7 channels sees of every component: its own part of the image on white, the
// image, its mask (MIDI-3D). bytes: [S, S, 3] RGB; component_map: [S, S] integers, i + 1 where
// component i is seen. Returns [num_components, 7, S, S].
at::Tensor component_images(const at::Tensor& bytes, const at::Tensor& component_map,
                            int64_t num_components);

}  // namespace moca::image_encoder
