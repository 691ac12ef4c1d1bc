#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <utility>

#include "moca/image/image.h"

namespace moca::image_encoder {

// What DINOv2's processor does to an image; the names and the defaults are those of its
// preprocessor_config.json.
struct PreprocessConfig {
  bool do_resize = true;
  int shortest_edge = 256;  // size.shortest_edge; Pillow's bicubic
  bool do_center_crop = true;
  int crop_width = 224;   // crop_size.width
  int crop_height = 224;  // crop_size.height
  bool do_rescale = true;
  double rescale_factor = 1.0 / 255.0;
  bool do_normalize = true;
  std::array<double, 3> image_mean = {0.485, 0.456, 0.406};  // ImageNet
  std::array<double, 3> image_std = {0.229, 0.224, 0.225};   // ImageNet
};

// The image after resize and crop, still bytes. Alpha is put over white first, where the
// processor itself drops it and shows what lies beneath.
Image resize_and_crop(const Image& image, const PreprocessConfig& config);

// RGB bytes [..., 3, H, W] to floats: scaled in double, then normalised in float, each channel by
// its mean and std.
at::Tensor rescale_and_normalise(const at::Tensor& bytes, const PreprocessConfig& config);

// The image encoder's input [3, H, W] as transformers' BitImageProcessor makes it, bit for bit.
at::Tensor preprocess_image(const Image& image, const PreprocessConfig& config = {});

// One component seen in its scene, for an image encoder of 7 channels as in MIDI-3D: [7, H, W] with
// the component's image, the scene's, and the component's mask (one channel, 0 to 1, resized to
// the nearest pixel, neither cropped nor normalised).
at::Tensor scene_input(const Image& component, const Image& scene, const Image& mask,
                       const PreprocessConfig& config = {});

// What the patch projection's new input channels start from.
enum class Inflation {
  kZero,   // 0: the image alone decides, as before
  kClone,  // channel c copies channel c mod 3 (MIDI-3D)
};
constexpr auto enum_names(Inflation) {
  return std::array{std::pair{"zero", Inflation::kZero}, std::pair{"clone", Inflation::kClone}};
}

// A patch projection [D, 3, p, p] for more input channels: [D, channels, p, p].
at::Tensor inflate_patch_weight(const at::Tensor& weight, int64_t channels, Inflation inflation);

}  // namespace moca::image_encoder
