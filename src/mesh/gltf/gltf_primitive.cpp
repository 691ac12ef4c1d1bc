#include "gltf_primitive.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <numeric>
#include <string>

namespace moca::mesh {
namespace {

void add_points(const AccessorRows& rows, double weight, std::vector<Eigen::Vector3d>& points) {
  for (size_t i = 0; i < points.size(); ++i) {
    points[i] += weight * Eigen::Map<const Eigen::Vector3d>(rows.row(i));
  }
}

// Faces from corners by the primitive's mode (glTF 2.0, 3.7.2.1).
std::vector<std::array<uint32_t, 3>> faces_of(const std::vector<uint32_t>& corners, int mode) {
  std::vector<std::array<uint32_t, 3>> faces;
  const size_t count = corners.size();
  if (mode == TINYGLTF_MODE_TRIANGLES) {
    for (size_t i = 0; i < count; i += 3) {
      faces.push_back({corners[i], corners[i + 1], corners[i + 2]});
    }
  } else if (mode == TINYGLTF_MODE_TRIANGLE_STRIP) {
    for (size_t i = 0; i + 2 < count; ++i) {  // every other one runs backwards
      faces.push_back({corners[i], corners[i + 1 + i % 2], corners[i + 2 - i % 2]});
    }
  } else if (mode == TINYGLTF_MODE_TRIANGLE_FAN) {
    for (size_t i = 1; i + 1 < count; ++i) {
      faces.push_back({corners[i], corners[i + 1], corners[0]});
    }
  }
  return faces;
}

void check_corners(const GltfDocument& gltf, const std::vector<uint32_t>& corners, size_t points) {
  for (const uint32_t corner : corners) {
    gltf.require(corner < points, "it has faces with a vertex index out of range; re-export it.");
  }
}

// Without a row, of no width, where the primitive has no such attribute.
AccessorRows optional_rows(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                           const std::string& name, size_t width) {
  const auto found = primitive.attributes.find(name);
  return found == primitive.attributes.end() ? AccessorRows{}
                                             : read_rows(gltf, found->second, name.c_str(), width);
}

// COLOR_0 may be RGB or RGBA.
AccessorRows color_rows(const GltfDocument& gltf, const tinygltf::Primitive& primitive) {
  const auto found = primitive.attributes.find("COLOR_0");
  if (found == primitive.attributes.end()) {
    return {};
  }
  const auto& accessor = gltf.at(gltf.model.accessors, found->second, "accessor");
  return read_rows(gltf, found->second, "COLOR_0", accessor.type == TINYGLTF_TYPE_VEC4 ? 4 : 3);
}

PrimitiveSurface plain_surface(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                               int mode, int texcoord) {
  PrimitiveSurface surface;
  const auto rows = optional_rows(gltf, primitive, "POSITION", 3);
  if (rows.width == 0) {
    return surface;
  }
  surface.points.assign(rows.count, Eigen::Vector3d::Zero());
  add_points(rows, 1.0, surface.points);
  std::vector<uint32_t> corners(rows.count);
  if (primitive.indices >= 0) {
    corners = read_indices(gltf, primitive.indices);
  } else {
    std::iota(corners.begin(), corners.end(), 0U);
  }
  check_corners(gltf, corners, surface.points.size());
  gltf.require(mode != TINYGLTF_MODE_TRIANGLES || corners.size() % 3 == 0, "it gives triangles by ",
               corners.size(), " corners, which is no multiple of 3; export it again.");
  surface.faces = faces_of(corners, mode);
  surface.colors = color_rows(gltf, primitive);
  surface.uvs = optional_rows(gltf, primitive, "TEXCOORD_" + std::to_string(texcoord), 2);
  return surface;
}

void apply_morph(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                 const std::vector<double>& weights, Surface& surface) {
  for (size_t i = 0; i < std::min(weights.size(), primitive.targets.size()); ++i) {
    const auto positions = primitive.targets[i].find("POSITION");
    if (weights[i] == 0 || positions == primitive.targets[i].end()) {
      continue;
    }
    const auto rows = read_rows(gltf, positions->second, "POSITION of a morph target", 3);
    gltf.require(rows.count == surface.points.size(), "a morph target moves ", rows.count,
                 " vertices of ", surface.points.size(), "; export it again.");
    add_points(rows, weights[i], surface.points);
  }
}

}  // namespace

PrimitiveSurface read_surface(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                              const std::vector<double>& morph_weights, int texcoord) {
  const int mode = primitive.mode < 0 ? TINYGLTF_MODE_TRIANGLES : primitive.mode;
  if (mode < TINYGLTF_MODE_TRIANGLES || mode > TINYGLTF_MODE_TRIANGLE_FAN) {
    return {};
  }
  auto surface = needs_draco(gltf, primitive) ? draco_surface(gltf, primitive, texcoord)
                                              : plain_surface(gltf, primitive, mode, texcoord);
  apply_morph(gltf, primitive, morph_weights, surface);
  return surface;
}

void apply_skin(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                const std::vector<Eigen::Matrix4d>& joints, Surface& surface) {
  std::vector<Eigen::Matrix4d> blends(surface.points.size(), Eigen::Matrix4d::Zero());
  std::vector<double> sums(surface.points.size());
  for (int set = 0;; ++set) {
    const std::string number = std::to_string(set);
    const auto of_joints = optional_rows(gltf, primitive, "JOINTS_" + number, 4);
    const auto of_weights = optional_rows(gltf, primitive, "WEIGHTS_" + number, 4);
    if (of_joints.width == 0 || of_weights.width == 0) {
      break;
    }
    gltf.require(of_joints.count == blends.size() && of_weights.count == blends.size(),
                 "joints and weights are given for ", of_joints.count, " and ", of_weights.count,
                 " vertices of ", blends.size(), "; export it again.");
    for (size_t i = 0; i < blends.size(); ++i) {
      for (size_t k = 0; k < 4; ++k) {
        const double weight = of_weights.row(i)[k];
        if (weight != 0) {
          const auto joint = static_cast<int>(of_joints.row(i)[k]);
          blends[i] += weight * gltf.at(joints, joint, "joint");
          sums[i] += weight;
        }
      }
    }
  }
  for (size_t i = 0; i < blends.size(); ++i) {
    if (sums[i] > 0) {
      surface.points[i] = (blends[i] / sums[i] * surface.points[i].homogeneous()).head<3>();
    }
  }
}

}  // namespace moca::mesh
