#include "moca/image_encoder/preprocess.h"

#include <ATen/ATen.h>

#include <vector>

#include "moca/core/error.h"
#include "moca/core/shapes.h"
#include "moca/image/image_io.h"
#include "moca/image/resize.h"

namespace moca::image_encoder {
namespace {

// A copy of the bytes as [channels, H, W].
at::Tensor channels_first(const Image& image) {
  const auto bytes = at::from_blob(const_cast<uint8_t*>(image.pixels.data()),
                                   {image.height, image.width, image.channels}, at::kByte);
  return bytes.permute({2, 0, 1}).clone(at::MemoryFormat::Contiguous);
}

// [1, H, W] in [0, 1]: the first channel, resized to the nearest pixel.
at::Tensor mask_channel(const Image& mask, int64_t height, int64_t width) {
  const auto resized =
      channels_first(resize_nearest(mask, static_cast<int>(width), static_cast<int>(height)));
  return resized.narrow(0, 0, 1).to(at::kFloat) / 255.0;
}

}  // namespace

Image resize_and_crop(const Image& image, const PreprocessConfig& config) {
  Image rgb = to_rgb(image);
  if (config.do_resize) {
    rgb = resize_shortest_edge(rgb, config.shortest_edge);
  }
  return config.do_center_crop ? center_crop(rgb, config.crop_width, config.crop_height) : rgb;
}

at::Tensor rescale_and_normalise(const at::Tensor& bytes, const PreprocessConfig& config) {
  TORCH_CHECK(bytes.dim() >= 3 && bytes.size(-3) == 3, "expected RGB bytes [..., 3, H, W], got ",
              bytes.sizes());
  auto values = config.do_rescale ? (bytes.to(at::kDouble) * config.rescale_factor).to(at::kFloat)
                                  : bytes.to(at::kFloat);
  if (!config.do_normalize) {
    return values;
  }
  const auto options = values.options();
  const auto mean = at::tensor(at::ArrayRef<double>(config.image_mean), options).view({3, 1, 1});
  const auto std = at::tensor(at::ArrayRef<double>(config.image_std), options).view({3, 1, 1});
  return (values - mean) / std;
}

at::Tensor preprocess_image(const Image& image, const PreprocessConfig& config) {
  return rescale_and_normalise(channels_first(resize_and_crop(image, config)), config);
}

at::Tensor scene_input(const Image& component, const Image& scene, const Image& mask,
                       const PreprocessConfig& config) {
  const auto component_values = preprocess_image(component, config);
  const auto scene_values = preprocess_image(scene, config);
  if (component_values.sizes() != scene_values.sizes()) {
    throw Error("the image of a component (", component_values.size(2), " x ",
                component_values.size(1), " after preprocessing) and of its scene (",
                scene_values.size(2), " x ", scene_values.size(1),
                ") must have one size: crop both.");
  }
  return at::cat({component_values, scene_values,
                  mask_channel(mask, component_values.size(1), component_values.size(2))});
}

at::Tensor inflate_patch_weight(const at::Tensor& weight, int64_t channels, Inflation inflation) {
  const auto [D, from, rows, columns] = shape<4>(weight, "patch projection [D, 3, p, p]");
  TORCH_CHECK(channels >= from, "a patch projection of ", from, " channels cannot be inflated to ",
              channels);
  std::vector<at::Tensor> parts{weight};
  for (int64_t c = from; c < channels; ++c) {
    const auto copied = weight.narrow(1, c % from, 1);
    parts.push_back(inflation == Inflation::kClone ? copied : at::zeros_like(copied));
  }
  return at::cat(parts, 1);
}

}  // namespace moca::image_encoder
