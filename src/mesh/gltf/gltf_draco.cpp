#include <draco/compression/decode.h>

#include <memory>
#include <string>

#include "gltf_primitive.h"

namespace moca::mesh {
namespace {

constexpr const char* kDraco = "KHR_draco_mesh_compression";

std::unique_ptr<draco::Mesh> decode(const GltfDocument& gltf, const tinygltf::Value& extension) {
  const int index = extension.Has("bufferView") ? extension.Get("bufferView").GetNumberAsInt() : -1;
  const auto data = gltf.bytes_of_view(index);
  draco::DecoderBuffer buffer;
  buffer.Init(data.data(), data.size());
  auto decoded = draco::Decoder().DecodeMeshFromBuffer(&buffer);
  gltf.require(decoded.ok(), kDraco, " cannot be decoded: ", decoded.status().error_msg_string(),
               "; export it again.");
  return std::move(decoded).value();
}

// A row a point; none without an attribute of this name and `least` to four numbers.
AccessorRows rows_of(const draco::Mesh& mesh, const tinygltf::Value& names, const std::string& name,
                     int least) {
  const int id = names.Has(name) ? names.Get(name).GetNumberAsInt() : -1;
  const auto* attribute = id < 0 ? nullptr : mesh.GetAttributeByUniqueId(static_cast<uint32_t>(id));
  const int width = attribute == nullptr ? 0 : attribute->num_components();
  if (width < least || width > 4) {
    return {};
  }
  AccessorRows rows{mesh.num_points(), static_cast<size_t>(width), {}};
  for (draco::PointIndex point(0); point < mesh.num_points(); ++point) {
    double numbers[4] = {};
    attribute->ConvertValue<double>(attribute->mapped_index(point), static_cast<int8_t>(width),
                                    numbers);
    rows.numbers.insert(rows.numbers.end(), numbers, numbers + width);
  }
  return rows;
}

}  // namespace

bool needs_draco(const GltfDocument& gltf, const tinygltf::Primitive& primitive) {
  const auto positions = primitive.attributes.find("POSITION");
  return primitive.extensions.contains(kDraco) && positions != primitive.attributes.end() &&
         gltf.at(gltf.model.accessors, positions->second, "accessor").bufferView < 0;
}

PrimitiveSurface draco_surface(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                               int texcoord) {
  const auto& extension = primitive.extensions.at(kDraco);
  const auto mesh = decode(gltf, extension);
  const auto& names = extension.Get("attributes");
  const auto rows = rows_of(*mesh, names, "POSITION", 3);
  gltf.require(rows.width == 3, kDraco, " holds no POSITION of three numbers; export it again.");
  PrimitiveSurface surface;
  for (size_t i = 0; i < rows.count; ++i) {
    surface.points.emplace_back(Eigen::Map<const Eigen::Vector3d>(rows.row(i)));
  }
  surface.colors = rows_of(*mesh, names, "COLOR_0", 3);
  surface.uvs = rows_of(*mesh, names, "TEXCOORD_" + std::to_string(texcoord), 2);
  for (draco::FaceIndex face(0); face < mesh->num_faces(); ++face) {
    const auto& corners = mesh->face(face);
    for (const auto& corner : corners) {
      gltf.require(corner.value() < mesh->num_points(),
                   "it has faces with a vertex index out of range; re-export it.");
    }
    surface.faces.push_back({corners[0].value(), corners[1].value(), corners[2].value()});
  }
  return surface;
}

}  // namespace moca::mesh
