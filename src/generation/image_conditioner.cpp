#include "moca/generation/image_conditioner.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <vector>

#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/shapes.h"
#include "moca/core/transfer.h"
#include "moca/image/component_map.h"
#include "moca/image/image_io.h"
#include "moca/image/resize.h"
#include "moca/nn/flops.h"

namespace moca::generation {
namespace {

// [S, S, 3] bytes of an image as the dataset has them.
at::Tensor square_bytes(const Image& image, int64_t image_size) {
  auto prepared = to_square_rgb(image, static_cast<int>(image_size));
  return at::from_blob(prepared.pixels.data(), {image_size, image_size, 3}, at::kByte).clone();
}

// Throws Error where a request's component map is missing or does not fit its image.
void check_component_map(const Request& request) {
  const Image& image = request.image;
  const ComponentMap& map = request.component_map;
  const auto size_text = [](const auto& image) {
    return std::to_string(image.width) + " x " + std::to_string(image.height);
  };
  if (map.pixels.empty()) {
    throw Error(
        "the model was trained with component masks: it needs a map of the image in which pixels "
        "of component i hold i + 1 and the background 0. Give it with --component-map.");
  }
  if (map.width != image.width || map.height != image.height) {
    throw Error("the component map (", size_text(map), ") must have the image's size (",
                size_text(image), ").");
  }
  const int largest = *std::ranges::max_element(map.pixels);
  if (largest == 0) {
    throw Error("the component map marks no component: its pixels are all 0, the background.");
  }
  if (largest > request.num_components) {
    throw Error("a pixel of the component map names component ", largest, ", but ",
                request.num_components,
                " are asked for. Pixels of component i hold i + 1, the background 0.");
  }
}

// What preprocess.h makes of every component for an image encoder of 7 channels: [N, 7, H, W].
at::Tensor preprocessed_components(const Request& request,
                                   const image_encoder::PreprocessConfig& config) {
  const auto scene = to_rgb(request.image);
  std::vector<at::Tensor> inputs;
  for (int64_t i = 0; i < request.num_components; ++i) {
    Image own = scene;
    Image mask(scene.width, scene.height, 1);
    for (size_t pixel = 0; pixel < mask.pixels.size(); ++pixel) {
      if (request.component_map.pixels[pixel] == i + 1) {
        mask.pixels[pixel] = 255;
      } else {
        std::fill_n(&own.pixels[3 * pixel], 3, uint8_t{255});
      }
    }
    inputs.push_back(image_encoder::scene_input(own, scene, mask, config));
  }
  return at::stack(inputs);
}

// Names the components so small that the model's image has no pixel of them. inputs:
// [N, 7, H, W], the mask last.
void warn_of_lost_components(const ComponentMap& map, const at::Tensor& inputs) {
  const auto is_left = inputs.select(1, 6).flatten(1).ne(0).any(1);
  for (const uint16_t number : numbers_in(map)) {
    if (!is_left[number - 1].item<bool>()) {
      log::warn("component " + std::to_string(number - 1) +
                " is too small to be seen: none of its pixels is left at " +
                std::to_string(inputs.size(3)) + " x " + std::to_string(inputs.size(2)));
    }
  }
}

// One image of the asset, inputs [B, 3, S, S].
class AssetImage : public ImageConditioner {
 public:
  explicit AssetImage(const image_encoder::ImageEncoderConfig& config)
      : ImageConditioner(config, dit::ConditionScope::kAsset) {}

  at::Tensor input(const data::PreparedDataset& dataset, int64_t asset,
                   int64_t view) const override {
    return image_encoder::normalise_images(dataset.image(asset, view).unsqueeze(0))[0];
  }
  at::Tensor input(const Request& request) const override {
    return preprocess_ ? image_encoder::preprocess_image(request.image, *preprocess_)
                       : image_to_input(request.image, encoder_->config().image_size);
  }
  dit::Condition condition(const at::Tensor& inputs, const at::Tensor&) override {
    return {name(), scope_, encoder_->forward(inputs)};
  }
};

// An image of every component in its scene (MIDI-3D; paper A.2), inputs [B, N, 7, S, S].
class ComponentImages : public ImageConditioner {
 public:
  explicit ComponentImages(const image_encoder::ImageEncoderConfig& config)
      : ImageConditioner(config, dit::ConditionScope::kComponent) {}

  bool takes_component_maps() const override { return true; }
  at::Tensor input(const data::PreparedDataset& dataset, int64_t asset,
                   int64_t view) const override {
    const auto& record = dataset.records()[asset];
    const auto map = dataset.component_map(asset, view);
    if (!map.any().item<bool>()) {
      throw Error("asset ", record.id, ", view ", view,
                  ": the model sees component masks, but no component is marked in the image. Give "
                  "VIEW_components.png in data.views.images and prepare the data again.");
    }
    return image_encoder::component_images(dataset.image(asset, view), map,
                                           record.num_components());
  }
  at::Tensor input(const Request& request) const override {
    check_component_map(request);
    const auto inputs = preprocess_ ? preprocessed_components(request, *preprocess_)
                                    : component_images_to_input(
                                          request.image, request.component_map,
                                          request.num_components, encoder_->config().image_size);
    warn_of_lost_components(request.component_map, inputs);
    return inputs;
  }
  dit::Condition condition(const at::Tensor& inputs, const at::Tensor& component_mask) override {
    const auto [B, N] = shape<2>(component_mask, "component_mask [B, N]");
    expect_shape(inputs, {B, N, 7, -1, -1}, "images [B, N, 7, S, S]");
    const auto present =
        to_device(component_mask.cpu().flatten().nonzero().squeeze(1), inputs.device());
    const auto tokens = encoder_->forward(inputs.flatten(0, 1).index_select(0, present));
    return {name(), scope_,
            at::zeros({B * N, tokens.size(1), tokens.size(2)}, tokens.options())
                .index_copy(0, present, tokens)
                .unflatten(0, {B, N})};
  }
};

}  // namespace

std::shared_ptr<ImageConditioner> ImageConditioner::make(
    const image_encoder::ImageEncoderConfig& config) {
  if (config.sees_components()) {
    return std::make_shared<ComponentImages>(config);
  }
  return std::make_shared<AssetImage>(config);
}

void ImageConditioner::check(const data::PreparedDataset& dataset) const {
  const int64_t wanted = encoder_->config().image_size;
  if (dataset.image_size() != wanted) {
    throw Error("the dataset's images are ", dataset.image_size(),
                " pixels wide, image_encoder.image_size is ", wanted,
                ". Set data.views.image_size to it and prepare the data again.");
  }
}

dit::DitSizes::ConditionSize ImageConditioner::size() const {
  return {encoder_->config().num_image_tokens(), encoder_->config().width, scope_};
}

double ImageConditioner::flops(int64_t num_assets, int64_t num_components) const {
  const int64_t num_images = scope_ == dit::ConditionScope::kAsset ? num_assets : num_components;
  const auto& config = encoder_->config();
  return (config.trainable ? nn::kForwardAndBackward : 1.0) * static_cast<double>(num_images) *
         config.forward_flops();
}

at::Tensor image_to_input(const Image& image, int64_t image_size) {
  return image_encoder::normalise_images(square_bytes(image, image_size).unsqueeze(0))[0];
}

at::Tensor component_images_to_input(const Image& image, const ComponentMap& component_map,
                                     int64_t num_components, int64_t image_size) {
  const int size = static_cast<int>(image_size);
  const auto map = resize_nearest(pad_to_square(component_map), size, size);
  auto ids = at::empty({image_size, image_size}, at::kInt);
  std::ranges::copy(map.pixels, ids.data_ptr<int32_t>());
  return image_encoder::component_images(square_bytes(image, image_size), ids, num_components);
}

}  // namespace moca::generation
