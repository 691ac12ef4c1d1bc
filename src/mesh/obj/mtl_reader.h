#pragma once

#include <Eigen/Core>
#include <map>
#include <string>
#include <string_view>

namespace moca::mesh {

// What is read of an MTL file's material.
struct ObjMaterial {
  Eigen::Vector3f color = Eigen::Vector3f(0.7F, 0.7F, 0.7F);  // Kd, RGB in [0, 1]
  std::string texture;                                        // map_Kd: a file, empty without one
  Eigen::Vector2f offset = Eigen::Vector2f::Zero();           // -o
  Eigen::Vector2f scale = Eigen::Vector2f::Ones();            // -s
  bool is_clamped = false;                                    // -clamp on
};

// Adds the materials of an MTL file's text by their names.
void read_mtl(std::string_view text, std::map<std::string, ObjMaterial>& materials);

}  // namespace moca::mesh
