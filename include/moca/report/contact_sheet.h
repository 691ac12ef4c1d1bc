#pragma once

#include <array>
#include <string>
#include <vector>

#include "moca/image/image.h"
#include "moca/mesh/renderer.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::report {

// One asset of a sheet. An empty image or scene leaves cells that say so.
struct SheetRow {
  std::string title;
  Image image;            // what the model saw
  mesh::Scene reference;  // empty for a user's own photo
  mesh::Scene generated;
  std::string caption;  // scores
};

struct SheetOptions {
  std::string headline;
  int cell_size = 144;  // pixels
  int num_columns = 0;  // assets side by side; 0: one up to 8 assets, two beyond
  // The default image's direction and the one from behind, which shows what the model had to
  // guess; wide enough for a box that fills the frame.
  std::array<mesh::Camera, 2> views = {mesh::Camera{.half_extent = 1.35F},
                                       mesh::Camera{.azimuth = 215.0F, .half_extent = 1.35F}};
};

// Per asset: title and caption over the image, the reference from two views and the generated
// components from the same two, both coloured by component index. RGB.
Image contact_sheet(const std::vector<SheetRow>& rows, const SheetOptions& options = {});

// The image beside the generated components from two views. RGB.
Image preview(const Image& image, const mesh::Scene& generated, int cell_size = 320);

}  // namespace moca::report
