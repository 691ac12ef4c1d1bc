#include "component_maps.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <vector>

#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/image/component_map.h"
#include "moca/image/image_io.h"

namespace moca::generation {

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
    throw Error("the component map (" + size_text(map) + ") must have the image's size (" +
                size_text(image) + ").");
  }
  const int largest = *std::max_element(map.pixels.begin(), map.pixels.end());
  if (largest == 0) {
    throw Error("the component map marks no component: its pixels are all 0, the background.");
  }
  if (largest > request.num_components) {
    throw Error("a pixel of the component map names component " + std::to_string(largest) +
                ", but " + std::to_string(request.num_components) +
                " are asked for. Pixels of component i hold i + 1, the background 0.");
  }
}

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

}  // namespace moca::generation
