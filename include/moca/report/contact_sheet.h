#pragma once

#include <string>
#include <vector>

#include "moca/image/image.h"
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

// Per asset: title and caption over the image, the reference from two views and the generated
// components from the same two, both coloured by component index. Cells are squares of `cell_size`
// pixels. RGB.
Image contact_sheet(const std::vector<SheetRow>& rows, const std::string& headline = "",
                    int cell_size = 144);

// The image beside the generated components from two views. RGB.
Image preview(const Image& image, const mesh::Scene& generated, int cell_size = 320);

}  // namespace moca::report
