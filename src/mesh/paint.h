#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "moca/image/image.h"

namespace moca::mesh {

// What a texture shows outside [0, 1].
enum class Wrap { kRepeat, kMirror, kClamp };

// An image on a surface. (0, 0) is its upper left corner, (1, 1) its lower right one, as in glTF.
struct Texture {
  std::shared_ptr<const Image> image;  // RGB or RGBA; alpha is not shown
  std::array<Wrap, 2> wrap = {Wrap::kRepeat, Wrap::kRepeat};

  // RGB in [0, 1], linear between the four nearest pixels.
  Eigen::Vector3f at(const Eigen::Vector2f& uv) const;
};

// The colours of a surface that is not of one colour.
struct Paint {
  std::vector<std::array<Eigen::Vector3f, 3>> colors;  // [F, 3 corners] RGB in [0, 1]
  std::vector<int32_t> face_texture;               // [F], -1 without one; empty: no face has one
  std::vector<std::array<Eigen::Vector2f, 3>> uv;  // [F, 3 corners], as long as face_texture
  std::vector<Texture> textures;

  // RGB in [0, 1] at the point of a face that has these barycentric weights: the corners' colours,
  // times the texture.
  Eigen::Vector3f at(size_t face, const Eigen::Vector3f& weights) const;
};

}  // namespace moca::mesh
