#include "gltf_paint.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "../mesh_file_check.h"

namespace moca::mesh {
namespace {

using Json = nlohmann::json;

// Null where there is no such member.
const Json& member(const Json& object, const char* key) {
  static const Json kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

// Negative where there is none or it is no number.
int whole(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number_integer()
             ? static_cast<int>(std::clamp<int64_t>(value.get<int64_t>(), -1, 1 << 30))
             : -1;
}

// The item of a list of the file, null where it has none of this number.
const Json& item(const Json& lists, const char* list, int index) {
  static const Json kNone;
  const Json& items = member(lists, list);
  const bool is_there = items.is_array() && index >= 0 && index < static_cast<int>(items.size());
  return is_there ? items[index] : kNone;
}

Wrap wrap_of(int code) {
  return code == TINYGLTF_TEXTURE_WRAP_CLAMP_TO_EDGE     ? Wrap::kClamp
         : code == TINYGLTF_TEXTURE_WRAP_MIRRORED_REPEAT ? Wrap::kMirror
                                                         : Wrap::kRepeat;
}

Eigen::Vector3f color_of(const std::vector<double>& factor) {
  Eigen::Vector3f color = Eigen::Vector3f::Ones();  // glTF's default
  for (size_t i = 0; i < std::min<size_t>(factor.size(), 3); ++i) {
    const double channel = std::isfinite(factor[i]) ? std::clamp(factor[i], 0.0, 1.0) : 1.0;
    color[static_cast<Eigen::Index>(i)] = static_cast<float>(channel);
  }
  return color;
}

std::vector<double> numbers_of(const tinygltf::Value& object, const char* key) {
  std::vector<double> numbers;
  if (object.Has(key) && object.Get(key).IsArray()) {
    const auto& list = object.Get(key);
    for (int i = 0; i < static_cast<int>(list.ArrayLen()); ++i) {
      numbers.push_back(list.Get(i).IsNumber() ? list.Get(i).GetNumberAsDouble() : 0.0);
    }
  }
  return numbers;
}

int whole(const tinygltf::Value& object, const char* key) {
  return object.Has(key) && object.Get(key).IsNumber() ? object.Get(key).GetNumberAsInt() : -1;
}

// "wood%20grain.png" is "wood grain.png".
std::string unescaped(const std::string& uri) {
  std::string name;
  for (size_t i = 0; i < uri.size(); ++i) {
    unsigned code = 0;
    const char* begin = uri.data() + i + 1;
    if (uri[i] == '%' && i + 2 < uri.size() &&
        std::from_chars(begin, begin + 2, code, 16).ptr == begin + 2) {
      name += static_cast<char>(code);
      i += 2;
    } else {
      name += uri[i];
    }
  }
  return name;
}

// Offset, rotation and scale of KHR_texture_transform; it may name another set of coordinates.
void transform(const tinygltf::Value& extension, GltfShading& shading) {
  auto offset = numbers_of(extension, "offset"), scale = numbers_of(extension, "scale");
  offset.resize(2, 0.0);
  scale.resize(2, scale.empty() ? 1.0 : 0.0);
  const double angle = extension.Has("rotation") && extension.Get("rotation").IsNumber()
                           ? extension.Get("rotation").GetNumberAsDouble()
                           : 0.0;
  shading.uv_pose =
      Eigen::Translation2f(static_cast<float>(offset[0]), static_cast<float>(offset[1])) *
      Eigen::Rotation2Df(static_cast<float>(-angle)) *
      Eigen::Scaling(static_cast<float>(scale[0]), static_cast<float>(scale[1]));
  shading.texcoord = std::max(whole(extension, "texCoord"), shading.texcoord);
}

}  // namespace

GltfShading GltfPaint::shading_of(const tinygltf::Primitive& primitive) {
  GltfShading shading;
  if (primitive.material < 0) {
    // glTF's default material is white; vertex colours are shown as they are, plain shapes grey.
    shading.factor =
        primitive.attributes.contains("COLOR_0") ? Eigen::Vector3f(1, 1, 1) : shading.factor;
    return shading;
  }
  const auto& material = gltf_.at(gltf_.model.materials, primitive.material, "material");
  const auto glossy = material.extensions.find("KHR_materials_pbrSpecularGlossiness");
  if (glossy != material.extensions.end()) {
    shading.factor = color_of(numbers_of(glossy->second, "diffuseFactor"));
    if (glossy->second.Has("diffuseTexture")) {
      add_texture(glossy->second.Get("diffuseTexture"), shading);
    }
    return shading;
  }
  const auto& pbr = material.pbrMetallicRoughness;
  shading.factor = color_of(pbr.baseColorFactor);
  if (pbr.baseColorTexture.index >= 0) {
    shading.texcoord = std::max(pbr.baseColorTexture.texCoord, 0);
    const auto moved = pbr.baseColorTexture.extensions.find("KHR_texture_transform");
    if (moved != pbr.baseColorTexture.extensions.end()) {
      transform(moved->second, shading);
    }
    add_texture(pbr.baseColorTexture.index, shading);
  }
  return shading;
}

void GltfPaint::add_texture(const tinygltf::Value& info, GltfShading& shading) {
  shading.texcoord = std::max(whole(info, "texCoord"), 0);
  if (info.Has("extensions") && info.Get("extensions").Has("KHR_texture_transform")) {
    transform(info.Get("extensions").Get("KHR_texture_transform"), shading);
  }
  add_texture(whole(info, "index"), shading);
}

void GltfPaint::add_texture(int index, GltfShading& shading) {
  const Json& texture = item(gltf_.images, "textures", index);
  if (auto image = image_of(texture)) {
    const Json& sampler = item(gltf_.images, "samplers", whole(texture, "sampler"));
    shading.texture = Texture{std::move(image),
                              {wrap_of(whole(sampler, "wrapS")), wrap_of(whole(sampler, "wrapT"))}};
  }
}

// WebP stands in an extension, with another format as a way out for programs without it.
std::shared_ptr<const Image> GltfPaint::image_of(const Json& texture) {
  int source = whole(texture, "source");
  const Json& extensions = member(texture, "extensions");
  const int webp = whole(member(extensions, "EXT_texture_webp"), "source");
  const int basisu = whole(member(extensions, "KHR_texture_basisu"), "source");
  source = webp >= 0 ? webp : source >= 0 ? source : basisu;
  const Json& image = item(gltf_.images, "images", source);
  return images_.get("image " + std::to_string(source), [&] { return bytes_of(image); });
}

std::string GltfPaint::bytes_of(const Json& image) const {
  if (const Json& uri = member(image, "uri"); uri.is_string()) {
    const auto text = uri.get<std::string>();
    if (tinygltf::IsDataURI(text)) {
      std::vector<unsigned char> bytes;
      std::string type;
      tinygltf::DecodeDataURI(&bytes, type, text, 0, false);
      return {bytes.begin(), bytes.end()};
    }
    return read_named_file(gltf_.file, unescaped(text));
  }
  return std::string(gltf_.bytes_of_view(whole(image, "bufferView")));
}

void paint(const GltfShading& shading, PrimitiveSurface& surface) {
  surface.paint = {};
  const bool has_texture = shading.texture && surface.uvs.count == surface.points.size();
  const bool has_colors = surface.colors.count == surface.points.size();
  if (has_texture) {
    surface.paint.textures.push_back(*shading.texture);
    surface.paint.face_texture.assign(surface.faces.size(), 0);
  }
  for (const auto& face : surface.faces) {
    auto& colors = surface.paint.colors.emplace_back();
    colors.fill(shading.factor);
    for (size_t i = 0; i < 3 && has_colors; ++i) {
      const Eigen::Map<const Eigen::Vector3d> color(surface.colors.row(face[i]));
      colors[i] = shading.factor.cwiseProduct(color.cwiseMax(0.0).cwiseMin(1.0).cast<float>());
    }
    if (has_texture) {
      auto& uv = surface.paint.uv.emplace_back();
      for (size_t i = 0; i < 3; ++i) {
        const Eigen::Map<const Eigen::Vector2d> place(surface.uvs.row(face[i]));
        uv[i] = shading.uv_pose * place.cast<float>();
      }
    }
  }
}

}  // namespace moca::mesh
