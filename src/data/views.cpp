#include "views.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/text.h"
#include "moca/image/component_map.h"
#include "moca/image/image_io.h"
#include "moca/image/resize.h"

namespace moca::data {
namespace {

namespace fs = std::filesystem;

constexpr int kSupersampling = 3;

at::Tensor tensor_of(const Image& image) {
  auto tensor = at::empty({image.height, image.width, image.channels}, at::kByte);
  std::memcpy(tensor.data_ptr<uint8_t>(), image.pixels.data(), tensor.nbytes());
  return tensor;
}

// [H, W], a byte a pixel where `num_components` fit one.
at::Tensor tensor_of(const ComponentMap& map, size_t num_components) {
  auto tensor = at::empty({map.height, map.width}, at::kInt);
  std::ranges::copy(map.pixels, tensor.data_ptr<int32_t>());
  return num_components <= 255 ? tensor.to(at::kByte) : tensor;
}

std::string number_of(size_t view) { return formatted("%02zu", view); }

// Empty: there is none.
fs::path find_image(const fs::path& folder, size_t view) {
  for (const char* extension : {".png", ".jpg", ".jpeg", ".webp"}) {
    const auto file = folder / (number_of(view) + extension);
    if (fs::exists(file)) {
      return file;
    }
  }
  return {};
}

void refuse_surplus(const fs::path& folder, size_t num_views) {
  const auto surplus = find_image(folder, num_views);
  if (!surplus.empty()) {
    throw Error(
        "data.views.images: ", surplus, " is one image more than the ", num_views,
        " of data.views.azimuths. Give every image an azimuth and an elevation, or remove it.");
  }
}

// All 0 where there is no file: nothing is known of the components.
ComponentMap component_map(const fs::path& file, const Image& image, int64_t num_components,
                           int size) {
  if (!fs::exists(file)) {
    return {size, size, 1};
  }
  const auto map = read_component_map(file);
  if (map.width != image.width || map.height != image.height) {
    throw Error(file, ": a component map must have its image's size, ", image.width, " x ",
                image.height, "; it has ", map.width, " x ", map.height, ".");
  }
  const auto numbers = numbers_in(map);
  if (!numbers.empty() && numbers.back() > num_components) {
    throw Error(file, ": a pixel names component ", numbers.back(), ", but the asset has ",
                num_components, ". Pixels of component i hold i + 1, the background 0.");
  }
  return resize_nearest(pad_to_square(map), size, size);
}

mesh::Rendering view_of(const std::string& id, const SourceAsset& asset, const ViewConfig& config,
                        size_t view, const mesh::Camera& camera) {
  const int size = static_cast<int>(config.image_size);
  if (config.images.empty()) {
    return mesh::render(asset.scene, camera, size, kSupersampling, config.lines);
  }
  const auto folder = fs::path(config.images) / id;
  const auto file = find_image(folder, view);
  if (file.empty()) {
    throw Error(
        "data.views.images: no ", folder / number_of(view),
        ".png, .jpg or .webp. Every asset needs one image for each of data.views.azimuths.");
  }
  const auto image = read_image(file);
  const auto map = component_map(folder / (number_of(view) + "_components.png"), image,
                                 std::ssize(asset.scene.components), size);
  return {to_square_rgb(image, size), map};
}

// Of an asset with maps of the user's own. A component that is hidden in one view is nothing
// strange; one that no view shows has most likely a wrong number.
void warn_of_unseen(const std::string& id, const SourceAsset& asset, const at::Tensor& ids) {
  if (!ids.any().item<bool>()) {
    return;  // there are no maps
  }
  for (size_t i = 0; i < asset.scene.components.size(); ++i) {
    if (!(ids == static_cast<int64_t>(i + 1)).any().item<bool>()) {
      log::warn("asset " + id + ": no component map shows component " + std::to_string(i) + " (" +
                asset.scene.components[i].name + "): no pixel holds " + std::to_string(i + 1));
    }
  }
}

}  // namespace

std::vector<mesh::Camera> cameras_of(const ViewConfig& config, const mesh::Scene& scene) {
  std::vector<mesh::Camera> cameras;
  for (size_t i = 0; i < config.azimuths.size(); ++i) {
    const mesh::Camera camera{.azimuth = static_cast<float>(config.azimuths[i]),
                              .elevation = static_cast<float>(config.elevations[i]),
                              .field_of_view = static_cast<float>(config.field_of_view)};
    const int size = static_cast<int>(config.image_size);
    cameras.push_back(config.images.empty() ? mesh::fitted(camera, scene, size, config.lines)
                                            : camera);
  }
  return cameras;
}

void add_views(const std::string& id, const SourceAsset& asset, const ViewConfig& config,
               AssetTensors& tensors) {
  std::vector<at::Tensor> images, ids;
  if (!config.images.empty()) {
    refuse_surplus(fs::path(config.images) / id, config.azimuths.size());
  }
  for (const auto& camera : cameras_of(config, asset.scene)) {
    const auto view = view_of(id, asset, config, images.size(), camera);
    images.push_back(tensor_of(view.color));
    ids.push_back(tensor_of(view.component_ids, asset.scene.components.size()));
  }
  tensors.images = at::stack(images);
  tensors.component_ids = at::stack(ids);
  if (!config.images.empty()) {
    warn_of_unseen(id, asset, tensors.component_ids);
  }
}

}  // namespace moca::data
