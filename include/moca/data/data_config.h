#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/choice.h"
#include "moca/config/rules.h"
#include "moca/mesh/renderer.h"

namespace moca::mesh {

constexpr auto enum_names(Lines) {
  return std::array{std::pair{"none", Lines::kNone}, std::pair{"creases", Lines::kCreases}};
}

}  // namespace moca::mesh

namespace moca::data {

// The sources of assets that this program knows, see asset_source.h.
config::Choice known_sources();

struct ViewConfig {
  int64_t image_size = 224;
  std::vector<double> azimuths = {0.0};
  std::vector<double> elevations = {0.0};
  double field_of_view = 40.0;
  mesh::Lines lines = mesh::Lines::kNone;
  std::string images;

  static void fields(auto& self, auto&& v) {
    using config::in_range, config::place;
    v("image_size", self.image_size, "side of the rendered images in pixels", in_range(8, 4096));
    v("azimuths", self.azimuths, "degrees, one per view (0 is the front)", in_range(-360, 360));
    v("elevations", self.elevations, "degrees, one per view", in_range(-90, 90));
    v("field_of_view", self.field_of_view, "degrees; 0 is orthographic (PartCrafter: 40)",
      in_range(0, 120));
    v("lines", self.lines, "creases: draw outlines and sharp edges; never where components touch");
    v("images", self.images,
      "folder of images to use instead of rendered ones: ASSET/VIEW.png, .jpg or .webp (00, 01, "
      "...), and ASSET/VIEW_components.png where a model is to see component masks; ASSET: a "
      "mesh's "
      "path in its folder without the ending, _ for /",
      place());
  }
  void validate(const std::string& path) const;
};

struct DataConfig {
  std::string path;
  config::Choice source = known_sources();
  ViewConfig views;
  int64_t num_surface_points = 8192;
  int64_t num_query_points = 16384;
  int64_t num_held_out = 0;
  int64_t max_components = 32;
  int64_t seed = 0;

  static void fields(auto& self, auto&& v) {
    using config::at_least, config::in_range;
    v("path", self.path, "folder of the prepared dataset", config::place());
    v("source", self.source);
    v("views", self.views, "rendered images");
    v("num_surface_points", self.num_surface_points,
      "P: stored surface points with normals per component", in_range(16, 10000000));
    v("num_query_points", self.num_query_points,
      "Q: stored query points with signed distance per component", in_range(16, 10000000));
    v("num_held_out", self.num_held_out, "assets kept out of training (split `test`)", at_least(0));
    v("max_components", self.max_components, "assets with more components are refused (paper: 32)",
      at_least(1));
    v("seed", self.seed, "seed of the generator, the sampled points and the split", at_least(0));
  }
  void validate(const std::string& path) const;
};

}  // namespace moca::data
