#include <map>
#include <unordered_map>
#include <utility>

#include "../polygon.h"
#include "../readers.h"
#include "../texture_images.h"
#include "moca/core/utf8.h"
#include "obj_document.h"

namespace moca::mesh {
namespace {

// Makes a surface of faces of one document; points and textures are taken in as faces need them.
class SurfaceOfFaces {
 public:
  SurfaceOfFaces(const ObjDocument& obj, TextureImages& images) : obj_(obj), images_(images) {}

  void add(const ObjFace& face) {
    corners_.clear();
    for (uint32_t i = 0; i < face.num_corners; ++i) {
      corners_.push_back(obj_.points[corner(face, i).point]);
    }
    for (const auto& triangle : triangulate(corners_)) {
      auto& indices = surface_.faces.emplace_back();
      for (size_t i = 0; i < 3; ++i) {
        indices[i] = point_of(corner(face, triangle[i]).point);
      }
      paint(face, triangle);
    }
  }

  Surface take() { return std::move(surface_); }

 private:
  const ObjCorner& corner(const ObjFace& face, uint32_t index) const {
    return obj_.corners[face.first_corner + index];
  }

  uint32_t point_of(uint32_t index) {
    const auto [entry, is_new] =
        points_.try_emplace(index, static_cast<uint32_t>(surface_.points.size()));
    if (is_new) {
      surface_.points.push_back(obj_.points[index]);
    }
    return entry->second;
  }

  // A texture is shown without Kd, as Blender does: exporters write any Kd beside it.
  void paint(const ObjFace& face, const std::array<uint32_t, 3>& triangle) {
    const auto found = obj_.materials.find(obj_.used_materials[face.material]);
    const auto material = found == obj_.materials.end() ? ObjMaterial() : found->second;
    const int32_t texture = texture_of(material);
    auto& paint = surface_.paint;
    auto& colors = paint.colors.emplace_back();
    std::array<Eigen::Vector2f, 3> uv;
    bool has_uv = true;
    for (size_t i = 0; i < 3; ++i) {
      const auto& at = corner(face, triangle[i]);
      colors[i] = obj_.colors.empty() ? material.color : obj_.colors[at.point];
      has_uv = has_uv && at.uv >= 0;
      const Eigen::Vector2f own = at.uv < 0 ? Eigen::Vector2f::Zero() : obj_.uvs[at.uv];
      const Eigen::Vector2f placed = own.cwiseProduct(material.scale) + material.offset;
      uv[i] = {placed.x(), 1 - placed.y()};
    }
    if (!paint.textures.empty()) {
      paint.face_texture.resize(surface_.faces.size(), -1);
      paint.uv.resize(surface_.faces.size());
    }
    if (texture >= 0 && has_uv) {
      colors.fill(Eigen::Vector3f::Ones());
      paint.face_texture.back() = texture;
      paint.uv.back() = uv;
    }
  }

  int32_t texture_of(const ObjMaterial& material) {
    if (material.texture.empty()) {
      return -1;
    }
    const auto [entry, is_new] = textures_.try_emplace(material.texture, -1);
    if (is_new) {
      if (auto image = images_.get_file(material.texture)) {
        const Wrap wrap = material.is_clamped ? Wrap::kClamp : Wrap::kRepeat;
        entry->second = static_cast<int32_t>(surface_.paint.textures.size());
        surface_.paint.textures.push_back({std::move(image), {wrap, wrap}});
      }
    }
    return entry->second;
  }

  const ObjDocument& obj_;
  TextureImages& images_;
  Surface surface_;
  std::vector<Eigen::Vector3d> corners_;           // of one face
  std::unordered_map<uint32_t, uint32_t> points_;  // of the document to those of the surface
  std::map<std::string, int32_t> textures_;        // files to those of the surface
};

}  // namespace

void read_obj(const std::filesystem::path& file, ComponentRule rule, SceneBuilder& builder) {
  const auto obj = load_obj(file);
  const bool has_objects = obj.objects.size() > 1;
  TextureImages images(file);
  std::vector<std::pair<std::string, SurfaceOfFaces>> parts;
  std::map<std::pair<uint32_t, uint32_t>, size_t> places;
  for (const auto& face : obj.faces) {
    const uint32_t owner = has_objects ? face.object : face.group;
    const uint32_t material = rule == ComponentRule::kPrimitive ? face.material : 0;
    const auto [place, is_new] = places.try_emplace({owner, material}, parts.size());
    if (is_new) {
      const auto& name = has_objects ? obj.objects[owner] : obj.groups[owner];
      parts.emplace_back(to_utf8(name), SurfaceOfFaces(obj, images));
    }
    parts[place->second].second.add(face);
  }
  for (auto& [name, surface] : parts) {
    builder.add({name, surface.take()});
  }
}

}  // namespace moca::mesh
