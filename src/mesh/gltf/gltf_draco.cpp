#include "gltf_draco.h"

#include <draco/compression/decode.h>

#include <memory>
#include <string>

namespace moca::mesh {
namespace {

constexpr const char* kDraco = "KHR_draco_mesh_compression";

std::unique_ptr<draco::Mesh> decode(const GltfDocument& gltf, const tinygltf::Value& extension) {
  const int index = extension.Has("bufferView") ? extension.Get("bufferView").GetNumberAsInt() : -1;
  const auto& view = gltf.at(gltf.model.bufferViews, index, "buffer view");
  const auto& data = gltf.at(gltf.model.buffers, view.buffer, "buffer").data;
  if (view.byteOffset > data.size() || view.byteLength > data.size() - view.byteOffset) {
    gltf.refuse("a buffer view reaches beyond its buffer; export it again.");
  }
  draco::DecoderBuffer buffer;
  buffer.Init(reinterpret_cast<const char*>(data.data()) + view.byteOffset, view.byteLength);
  auto decoded = draco::Decoder().DecodeMeshFromBuffer(&buffer);
  if (!decoded.ok()) {
    gltf.refuse(std::string(kDraco) + " cannot be decoded: " + decoded.status().error_msg_string() +
                "; export it again.");
  }
  return std::move(decoded).value();
}

}  // namespace

bool needs_draco(const GltfDocument& gltf, const tinygltf::Primitive& primitive) {
  const auto positions = primitive.attributes.find("POSITION");
  return primitive.extensions.contains(kDraco) && positions != primitive.attributes.end() &&
         gltf.at(gltf.model.accessors, positions->second, "accessor").bufferView < 0;
}

Surface draco_surface(const GltfDocument& gltf, const tinygltf::Primitive& primitive) {
  const auto& extension = primitive.extensions.at(kDraco);
  const auto mesh = decode(gltf, extension);
  const auto& attributes = extension.Get("attributes");
  const int id = attributes.Has("POSITION") ? attributes.Get("POSITION").GetNumberAsInt() : -1;
  const auto* positions =
      id < 0 ? nullptr : mesh->GetAttributeByUniqueId(static_cast<uint32_t>(id));
  if (positions == nullptr || positions->num_components() != 3) {
    gltf.refuse(std::string(kDraco) + " holds no POSITION of three numbers; export it again.");
  }
  Surface surface;
  for (draco::PointIndex point(0); point < mesh->num_points(); ++point) {
    double at[3] = {};
    positions->ConvertValue<double>(positions->mapped_index(point), 3, at);
    surface.points.emplace_back(at[0], at[1], at[2]);
  }
  for (draco::FaceIndex face(0); face < mesh->num_faces(); ++face) {
    const auto& corners = mesh->face(face);
    for (const auto& corner : corners) {
      if (corner.value() >= mesh->num_points()) {
        gltf.refuse("it has faces with a vertex index out of range; re-export it.");
      }
    }
    surface.faces.push_back({corners[0].value(), corners[1].value(), corners[2].value()});
  }
  return surface;
}

}  // namespace moca::mesh
