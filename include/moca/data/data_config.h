#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/rules.h"
#include "moca/mesh/renderer.h"

namespace moca::mesh {

constexpr auto enum_names(Lines) {
  return std::array{std::pair{"none", Lines::kNone}, std::pair{"creases", Lines::kCreases}};
}

}  // namespace moca::mesh

namespace moca::data {

enum class Source { kProcedural, kMeshes };
enum class ComponentRule { kNode, kPrimitive };
// How procedural components are coloured: by what they are, or all of an asset alike, so that only
// its shape tells them apart.
enum class Paint { kByRole, kAlike };

constexpr auto enum_names(Source) {
  return std::array{std::pair{"procedural", Source::kProcedural},
                    std::pair{"meshes", Source::kMeshes}};
}
constexpr auto enum_names(Paint) {
  return std::array{std::pair{"by_role", Paint::kByRole}, std::pair{"alike", Paint::kAlike}};
}
constexpr auto enum_names(ComponentRule) {
  return std::array{std::pair{"node", ComponentRule::kNode},
                    std::pair{"primitive", ComponentRule::kPrimitive}};
}

struct ProceduralConfig {
  int64_t num_assets = 32;
  int64_t min_components = 2;
  int64_t max_components = 8;
  std::vector<std::string> families;
  Paint paint = Paint::kByRole;

  static void fields(auto& self, auto&& v) {
    v("num_assets", self.num_assets, "assets to generate for training, families in turn",
      config::at_least(1));
    v("min_components", self.min_components, "fewest components of an asset",
      config::in_range(2, 32));
    v("max_components", self.max_components, "most components of an asset",
      config::in_range(2, 32));
    v("families", self.families, "families to use; [] is all of them");
    v("paint", self.paint,
      "colours: by_role, or alike: one for all components of an asset, so that the image does not "
      "tell them apart");
  }
  void validate(const std::string& path) const;
};

struct MeshFolderConfig {
  std::string folder;
  ComponentRule component_rule = ComponentRule::kNode;
  int64_t watertight_resolution = 128;
  double longest_side = 2.0;

  static void fields(auto& self, auto&& v) {
    v("folder", self.folder,
      "folder of .glb, .gltf, .obj, .ply or .stl files, searched recursively");
    v("component_rule", self.component_rule,
      "what one component of a file is: node, or every primitive");
    v("watertight_resolution", self.watertight_resolution,
      "voxels along a component's longest side when an open mesh is closed",
      config::in_range(16, 512));
    v("longest_side", self.longest_side, "the asset is scaled to this (PartCrafter: 2)",
      config::in_range(0.1, 2.0));
  }
};

struct ViewConfig {
  int64_t image_size = 224;
  std::vector<double> azimuths = {0.0};
  std::vector<double> elevations = {0.0};
  double field_of_view = 40.0;
  mesh::Lines lines = mesh::Lines::kNone;
  std::string images;

  static void fields(auto& self, auto&& v) {
    v("image_size", self.image_size, "side of the rendered pictures in pixels",
      config::in_range(8, 4096));
    v("azimuths", self.azimuths, "degrees, one per view (0 is the front)",
      config::in_range(-360, 360));
    v("elevations", self.elevations, "degrees, one per view", config::in_range(-90, 90));
    v("field_of_view", self.field_of_view, "degrees; 0 is orthographic (PartCrafter: 40)",
      config::in_range(0, 120));
    v("lines", self.lines, "creases: draw outlines and sharp edges; never where components touch");
    v("images", self.images,
      "folder of images to use instead of rendered ones: ASSET/VIEW.png, .jpg or .webp (00, 01, "
      "...), and "
      "ASSET/VIEW_components.png where a model is to see component masks; ASSET: a mesh's path in "
      "its folder without the ending, _ for /");
  }
  void validate(const std::string& path) const;
};

struct DataConfig {
  std::string path;
  Source source = Source::kProcedural;
  ProceduralConfig procedural;
  MeshFolderConfig meshes;
  ViewConfig views;
  int64_t num_surface_points = 8192;
  int64_t num_query_points = 16384;
  int64_t num_held_out = 0;
  int64_t max_components = 32;
  int64_t seed = 0;

  static void fields(auto& self, auto&& v) {
    using config::at_least;
    v("path", self.path, "folder of the prepared dataset");
    v("source", self.source, "procedural: the built-in generator; meshes: a folder of files");
    v("procedural", self.procedural, "the built-in generator of multi-part assets");
    v("meshes", self.meshes, "a folder of meshes");
    v("views", self.views, "rendered pictures");
    v("num_surface_points", self.num_surface_points,
      "P: stored surface points with normals per component", at_least(16));
    v("num_query_points", self.num_query_points,
      "Q: stored query points with signed distance per component", at_least(16));
    v("num_held_out", self.num_held_out, "assets kept out of training (split `test`)", at_least(0));
    v("max_components", self.max_components, "assets with more components are refused (paper: 32)",
      at_least(1));
    v("seed", self.seed, "seed of the generator, the sampled points and the split", at_least(0));
  }
  void validate(const std::string& path) const;
};

}  // namespace moca::data
