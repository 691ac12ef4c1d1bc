#include "paint.h"

#include <algorithm>
#include <cmath>

namespace moca::mesh {
namespace {

// The pixel that stands at an index along an axis of `size` pixels.
int wrapped(int64_t index, int size, Wrap wrap) {
  if (wrap == Wrap::kClamp) {
    return static_cast<int>(std::clamp<int64_t>(index, 0, size - 1));
  }
  const int64_t period = wrap == Wrap::kMirror ? 2 * int64_t{size} : size;
  const int64_t place = ((index % period) + period) % period;
  return static_cast<int>(place < size ? place : period - 1 - place);
}

Eigen::Vector3f pixel(const Image& image, int x, int y) {
  const uint8_t* bytes = image.at(x, y);
  const bool is_grey = image.channels == 1;
  return Eigen::Vector3f(bytes[0], bytes[is_grey ? 0 : 1], bytes[is_grey ? 0 : 2]) / 255.0F;
}

}  // namespace

Eigen::Vector3f Texture::at(const Eigen::Vector2f& uv) const {
  constexpr float kFarthest = 1e6F;  // beyond it a float no longer tells pixels apart
  const std::array<int, 2> size = {image->width, image->height};
  std::array<std::array<int, 2>, 2> pixels{};  // per axis, the two that the point lies between
  std::array<float, 2> part{};                 // of the way to the second
  for (int axis = 0; axis < 2; ++axis) {
    const float place = std::isfinite(uv[axis]) ? std::clamp(uv[axis], -kFarthest, kFarthest) : 0;
    const float at = place * static_cast<float>(size[axis]) - 0.5F;
    const auto first = static_cast<int64_t>(std::floor(at));
    part[axis] = at - std::floor(at);
    pixels[axis] = {wrapped(first, size[axis], wrap[axis]),
                    wrapped(first + 1, size[axis], wrap[axis])};
  }
  const auto row = [&](int y) -> Eigen::Vector3f {
    return (1 - part[0]) * pixel(*image, pixels[0][0], y) +
           part[0] * pixel(*image, pixels[0][1], y);
  };
  return (1 - part[1]) * row(pixels[1][0]) + part[1] * row(pixels[1][1]);
}

Eigen::Vector3f Paint::at(size_t face, const Eigen::Vector3f& weights) const {
  const auto& corner = colors[face];
  const Eigen::Vector3f color =
      weights[0] * corner[0] + weights[1] * corner[1] + weights[2] * corner[2];
  if (face_texture.empty() || face_texture[face] < 0) {
    return color;
  }
  const auto& place = uv[face];
  const Eigen::Vector2f point =
      weights[0] * place[0] + weights[1] * place[1] + weights[2] * place[2];
  return color.cwiseProduct(textures[face_texture[face]].at(point));
}

}  // namespace moca::mesh
