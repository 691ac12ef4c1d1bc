#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mtl_reader.h"

namespace moca::mesh {

struct ObjCorner {
  uint32_t point = 0;
  int32_t uv = -1;  // -1 without one
};

struct ObjFace {
  size_t first_corner = 0;
  uint32_t num_corners = 0;
  uint32_t object = 0;    // in ObjDocument::objects
  uint32_t group = 0;     // in ObjDocument::groups
  uint32_t material = 0;  // in ObjDocument::used_materials
};

// The lines of an OBJ file that matter here, indices resolved and checked. The first object, group
// and material are those of faces before any of their kind is named: their name is empty.
struct ObjDocument {
  std::vector<Eigen::Vector3d> points;
  std::vector<Eigen::Vector3f> colors;  // RGB in [0, 1], one a point where any point has one
  std::vector<Eigen::Vector2f> uvs;     // (0, 0) is an image's lower left corner
  std::vector<ObjCorner> corners;
  std::vector<ObjFace> faces;
  std::vector<std::string> objects = {""};
  std::vector<std::string> groups = {""};
  std::vector<std::string> used_materials = {""};
  std::map<std::string, ObjMaterial> materials;
};

// Refuses lines that it cannot read, by their number. Lines that are no surface are passed over.
ObjDocument load_obj(const std::filesystem::path& file);

}  // namespace moca::mesh
