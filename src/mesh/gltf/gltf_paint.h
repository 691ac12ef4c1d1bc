#pragma once

#include <Eigen/Geometry>
#include <memory>
#include <optional>
#include <string>

#include "../texture_images.h"
#include "gltf_primitive.h"

namespace moca::mesh {

// How a primitive's material colours it.
struct GltfShading {
  Eigen::Vector3f factor = Eigen::Vector3f(0.7F, 0.7F, 0.7F);  // RGB in [0, 1], as stored
  std::optional<Texture> texture;
  int texcoord = 0;                                       // the set of coordinates it uses
  Eigen::Affine2f uv_pose = Eigen::Affine2f::Identity();  // KHR_texture_transform
};

// Base colours and textures of a file's materials: metallic-roughness, or the older
// KHR_materials_pbrSpecularGlossiness. What cannot be shown is named in a warning.
class GltfPaint {
 public:
  explicit GltfPaint(const GltfDocument& gltf) : gltf_(gltf), images_(gltf.file) {}

  GltfShading shading_of(const tinygltf::Primitive& primitive);

 private:
  void add_texture(const tinygltf::Value& info, GltfShading& shading);
  void add_texture(int index, GltfShading& shading);
  std::shared_ptr<const Image> image_of(const nlohmann::json& texture);
  std::string bytes_of(const nlohmann::json& image) const;

  const GltfDocument& gltf_;
  TextureImages images_;
};

// Colours every face: the material's factor times the vertices' colours, times the texture.
void paint(const GltfShading& shading, PrimitiveSurface& surface);

}  // namespace moca::mesh
