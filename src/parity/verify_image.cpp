#include <ATen/ATen.h>
#include <torch/types.h>

#include <array>

#include "kinds.h"
#include "moca/image/foreground.h"
#include "moca/image_encoder/preprocess.h"
#include "moca/pretrained/load_pretrained.h"

namespace moca::parity {
namespace {

// [height, width, channels] bytes.
at::Tensor tensor_of(const Image& image) {
  const std::array<int64_t, 3> sizes = {image.height, image.width, image.channels};
  return at::from_blob(const_cast<uint8_t*>(image.pixels.data()), sizes, at::kByte).clone();
}

// The row of pixel values [3, H, W] that a fixture kept; it does not say which, so the nearest.
at::Tensor nearest_row(const at::Tensor& values, const at::Tensor& reference) {
  const auto distance = (values - reference.unsqueeze(1)).abs().amax({0, 2});  // [H]
  return values.select(1, distance.argmin().item<int64_t>());
}

}  // namespace

void verify_dinov2(Fixture& fixture) {
  const torch::NoGradGuard no_grad;
  const auto config =
      pretrained::read_image_encoder_config(fixture.description_file(), &fixture.at("model"));
  image_encoder::ImageEncoder encoder(config);
  pretrained::load_image_encoder_weights(encoder, fixture.weights(), kNotWeights,
                                         image_encoder::Inflation::kClone);
  encoder->to(fixture.device());
  encoder->eval();
  for (const std::string name : fixture.at("images")) {
    const auto images = fixture.input(name);
    std::vector<at::Tensor> hidden_states;
    fixture.compare(name + "/last_hidden_state", encoder->forward(images, &hidden_states));
    for (size_t i = 0; i < hidden_states.size(); ++i) {
      fixture.compare(name + "/hidden_states_" + std::to_string(i), hidden_states[i]);
    }
    fixture.compare(name + "/pos_embed",
                    encoder->position_table(images.size(2) / config.patch_size,
                                            images.size(3) / config.patch_size));
  }
}

void verify_dino_preprocess(Fixture& fixture) {
  fixture.set_tolerance(0);
  const auto config =
      pretrained::read_preprocessor_config(fixture.description_file(), &fixture.at("processor"));
  for (const std::string name : fixture.at("images")) {
    const auto image = fixture.image(name);
    const auto bytes = image_encoder::resize_and_crop(image, config);
    fixture.compare(name + "/resized_cropped_u8", tensor_of(bytes).permute({2, 0, 1}).contiguous());
    const auto values = image_encoder::preprocess_image(image, config);
    fixture.compare(name + "/pixel_values", values);
    const auto row = name + "/pixel_values_row";
    if (fixture.has_output(row)) {
      fixture.compare(row, nearest_row(values, fixture.output(row)));
    }
  }
}

void verify_prepare_rgba(Fixture& fixture) {
  fixture.set_tolerance(0);
  const std::array<double, 3> background = fixture.at("bg_color");
  const double padding_ratio = fixture.at("padding_ratio");
  for (const std::string name : fixture.at("images")) {
    fixture.compare(name + "/prepared_rgb",
                    tensor_of(crop_to_foreground(fixture.image(name), background, padding_ratio)));
  }
}

}  // namespace moca::parity
