#include "moca/image_encoder/image_encoder.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <cmath>
#include <memory>

#include "moca/core/shapes.h"
#include "moca/image_encoder/preprocess.h"
#include "moca/nn/flops.h"
#include "vision_block.h"

namespace moca::image_encoder {
namespace {

constexpr double kInitialStd = 0.02;  // DINOv2: initializer_range

}  // namespace

void ImageEncoderConfig::validate(const std::string& path) const {
  config::require_multiple(path, "image_size", image_size, "patch_size", patch_size);
  config::require_multiple(path, "width", width, "num_heads", num_heads);
}

int64_t ImageEncoderConfig::num_image_tokens() const {
  return 1 + (image_size / patch_size) * (image_size / patch_size);
}

double ImageEncoderConfig::forward_flops() const {
  const double T = num_image_tokens(), D = width;
  const double patch_values = num_channels * patch_size * patch_size;
  // SwiGLU has three matrices of two thirds of the width instead of two.
  const double mlp = 2.0 * nn::linear_flops(T, D, mlp_ratio * width);
  return nn::linear_flops(T - 1, patch_values, D) +
         static_cast<double>(num_layers) *
             (nn::linear_flops(T, D, 4.0 * D) + nn::attention_flops(T, T, D) + mlp);
}

ImageEncoderImpl::ImageEncoderImpl(const ImageEncoderConfig& config) : config_(config) {
  auto embeddings = nn::register_group(*this, "embeddings");
  const int64_t D = config.width;
  const int64_t num_positions = 1 + config.position_grid * config.position_grid;
  class_token_ = embeddings->register_parameter("cls_token", at::randn({1, 1, D}) * kInitialStd);
  mask_token_ = embeddings->register_parameter("mask_token", at::zeros({1, D}));
  positions_ = embeddings->register_parameter("position_embeddings",
                                              at::randn({1, num_positions, D}) * kInitialStd);
  auto patches = nn::register_group(*embeddings, "patch_embeddings");
  auto projection = nn::register_group(*patches, "projection");
  patch_weight_ = projection->register_parameter(
      "weight",
      at::randn({D, config.num_channels, config.patch_size, config.patch_size}) * kInitialStd);
  patch_bias_ = projection->register_parameter("bias", at::zeros({D}));
  auto encoder = nn::register_group(*this, "encoder");
  auto list = encoder->register_module("layer", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_layers; ++i) {
    layers_.push_back(std::make_shared<VisionBlockImpl>(config));
    list->push_back(layers_.back());
  }
  norm_ = register_module("layernorm", nn::LayerNorm(D, config.norm_epsilon));
}

at::Tensor ImageEncoderImpl::position_table(int64_t rows, int64_t columns) const {
  return stretch_position_table(positions_, rows, columns);
}

at::Tensor ImageEncoderImpl::forward(const at::Tensor& images,
                                     std::vector<at::Tensor>* hidden_states) {
  const auto [B, channels, height, width] = shape<4>(images, "images [B, channels, height, width]");
  TORCH_CHECK(channels == config_.num_channels, "the image encoder takes ", config_.num_channels,
              " channels, got images ", images.sizes());
  const int64_t patch = config_.patch_size;
  const auto patches =
      at::conv2d(images.to(patch_weight_.scalar_type()), patch_weight_, patch_bias_, {patch, patch})
          .flatten(2)
          .transpose(1, 2);  // [B, patches, D_image]
  auto tokens =
      at::cat({class_token_.expand({B, 1, config_.width}).to(patches.scalar_type()), patches}, 1);
  tokens = tokens + position_table(height / patch, width / patch);
  for (auto& layer : layers_) {
    if (hidden_states != nullptr) {
      hidden_states->push_back(tokens);
    }
    tokens = layer->forward(tokens);
  }
  if (hidden_states != nullptr) {
    hidden_states->push_back(tokens);
  }
  return norm_(tokens);
}

at::Tensor stretch_position_table(const at::Tensor& table, int64_t rows, int64_t columns) {
  const auto [one, count, width] = shape<3>(table, "position table [1, 1 + G * G, D_image]");
  const auto grid = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(count - 1))));
  TORCH_CHECK(one == 1 && grid * grid == count - 1, "expected a position table [1, 1 + G * G, ",
              "D_image], got ", table.sizes());
  if (rows == grid && columns == grid) {
    return table;
  }
  const auto patches = table.narrow(1, 1, grid * grid)
                           .view({1, grid, grid, width})
                           .permute({0, 3, 1, 2})
                           .to(at::kFloat);
  // Bicubic to a size, without antialiasing: what transformers >= 4.45 does with DINOv2's table.
  const auto stretched = at::upsample_bicubic2d(patches, {rows, columns}, /*align_corners=*/false);
  return at::cat(
      {table.narrow(1, 0, 1),
       stretched.permute({0, 2, 3, 1}).reshape({1, rows * columns, width}).to(table.scalar_type())},
      1);
}

at::Tensor normalise_images(const at::Tensor& bytes) {
  const auto [B, height, width, channels] = shape<4>(bytes, "bytes [B, height, width, 3]");
  TORCH_CHECK(channels == 3, "expected RGB bytes [B, height, width, 3], got ", bytes.sizes());
  return rescale_and_normalise(bytes.permute({0, 3, 1, 2}), {});
}

at::Tensor component_images(const at::Tensor& bytes, const at::Tensor& component_map,
                            int64_t num_components) {
  const auto [height, width, channels] = shape<3>(bytes, "bytes [S, S, 3]");
  expect_shape(component_map, {height, width}, "component_map [S, S]");
  const auto numbers = at::arange(1, num_components + 1, component_map.options());
  const auto mask = (component_map.unsqueeze(0) == numbers.view({-1, 1, 1})).unsqueeze(-1);
  const auto own = at::where(mask, bytes.unsqueeze(0), at::full({}, 255, bytes.options()));
  const auto whole = normalise_images(bytes.unsqueeze(0));
  return at::cat({normalise_images(own), whole.expand({num_components, -1, -1, -1}),
                  mask.permute({0, 3, 1, 2}).to(at::kFloat)},
                 1);
}

}  // namespace moca::image_encoder
