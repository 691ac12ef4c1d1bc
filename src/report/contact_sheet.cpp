#include "moca/report/contact_sheet.h"

#include <algorithm>
#include <array>

#include "drawing.h"
#include "moca/mesh/renderer.h"
#include "moca/mesh/scene_ops.h"

namespace moca::report {
namespace {

constexpr int kCells = 5;  // image, reference twice, generated twice
constexpr int kGap = 4;    // between cells
constexpr int kMargin = 16;
constexpr int kScale = 2;  // of titles
constexpr Color kInk = {30, 30, 36};
constexpr Color kSoftInk = {95, 95, 105};
constexpr Color kEmpty = {242, 242, 244};
constexpr Color kLine = {205, 205, 210};

// Sizes in pixels that follow from the options.
struct Layout {
  int cell = 0;
  int columns = 1;
  int rows = 0;
  int block_width = 0;
  int block_height = 0;
  int top = 0;  // below the headline and the names of the columns

  int left_of(int index) const { return kMargin + index / rows * (block_width + 2 * kMargin); }
  int top_of(int index) const { return top + index % rows * block_height; }
  int cell_left(int index, int cell_index) const {
    return left_of(index) + cell_index * (cell + kGap);
  }
};

Layout layout_of(size_t num_assets, const std::string& headline, int cell_size) {
  constexpr int kFewAssets = 8;
  const int count = std::max(static_cast<int>(num_assets), 1);
  const int columns = count <= kFewAssets ? 1 : 2;
  return {.cell = cell_size,
          .columns = columns,
          .rows = (count + columns - 1) / columns,
          .block_width = kCells * cell_size + (kCells - 1) * kGap,
          .block_height = kScale * kLineHeight + cell_size + kMargin,
          .top = kMargin + (headline.empty() ? 1 : 3) * kScale * kLineHeight};
}

// The scene in the colours of its components' indices, whatever colours they brought.
mesh::Scene colored_by_index(mesh::Scene scene) {
  for (size_t i = 0; i < scene.components.size(); ++i) {
    scene.components[i].color = mesh::component_color(static_cast<int>(i));
  }
  return scene;
}

void draw_empty_cell(Image& sheet, int x, int y, int size, const std::string& label) {
  fill_rectangle(sheet, x, y, size, size, kEmpty);
  const std::string text = shorten(label, size - 2 * kGap);
  draw_text(sheet, x + (size - text_width(text)) / 2, y + size / 2 - kLineHeight / 2, text,
            kSoftInk);
}

using Views = std::array<mesh::Camera, 2>;

// Cameras that show the reference and what was generated whole and at one scale.
Views views_of(const SheetRow& row, int cell_size) {
  // The images' default direction and the one from behind, which shows what the model had to guess;
  // wide enough for a box that fills the frame.
  Views views = {mesh::Camera{.half_extent = 1.35F},
                 mesh::Camera{.azimuth = 215.0F, .half_extent = 1.35F}};
  for (auto& view : views) {
    for (const auto* scene : {&row.reference, &row.generated}) {
      view = mesh::fitted(view, *scene, cell_size, mesh::Lines::kCreases);
    }
  }
  return views;
}

void draw_scene(Image& sheet, const mesh::Scene& scene, const Views& views, int size,
                const std::array<int, 2>& lefts, int y, const std::string& absent) {
  for (size_t view = 0; view < views.size(); ++view) {
    if (mesh::has_faces(scene)) {
      paste(sheet, mesh::render(scene, views[view], size, 2, mesh::Lines::kCreases).color,
            lefts[view], y);
    } else {
      draw_empty_cell(sheet, lefts[view], y, size, absent);
    }
  }
}

void draw_column_names(Image& sheet, const Layout& layout) {
  constexpr std::array<const char*, kCells> kNames = {"input", "reference", "from behind",
                                                      "generated", "from behind"};
  const int y = layout.top - kScale * kLineHeight;
  for (int column = 0; column < layout.columns; ++column) {
    for (int cell = 0; cell < kCells; ++cell) {
      const int x = layout.cell_left(column * layout.rows, cell);
      const int scale = text_width(kNames[cell], kScale) <= layout.cell ? kScale : 1;
      draw_text(sheet, x, y, shorten(kNames[cell], layout.cell, scale), kSoftInk, scale);
    }
  }
}

// Title on the left, caption on the right of one line; both small where they would collide.
void draw_line(Image& sheet, const SheetRow& row, int x, int y, int width) {
  const int spacing = 4 * kGap;
  const bool both_fit =
      text_width(row.title, kScale) + spacing + text_width(row.caption, kScale) <= width;
  const int scale = both_fit ? kScale : 1;
  const std::string caption = shorten(row.caption, width, scale);
  const int left_for_title = std::max(width - text_width(caption, scale) - spacing, 0);
  draw_text(sheet, x, y, shorten(row.title, left_for_title, scale), kInk, scale);
  draw_text(sheet, x + width - text_width(caption, scale), y, caption, kSoftInk, scale);
}

void draw_asset(Image& sheet, const SheetRow& row, const Layout& layout, int index) {
  const int y = layout.top_of(index);
  fill_rectangle(sheet, layout.left_of(index), y - kGap, layout.block_width, 1, kLine);
  draw_line(sheet, row, layout.left_of(index), y + kGap / 2, layout.block_width);
  const int top = y + kScale * kLineHeight;
  if (row.image.pixels.empty()) {
    draw_empty_cell(sheet, layout.cell_left(index, 0), top, layout.cell, "no image");
  } else {
    paste(sheet, fit_to_square(row.image, layout.cell), layout.cell_left(index, 0), top);
  }
  const auto views = views_of(row, layout.cell);
  draw_scene(sheet, colored_by_index(row.reference), views, layout.cell,
             {layout.cell_left(index, 1), layout.cell_left(index, 2)}, top, "no reference");
  draw_scene(sheet, colored_by_index(row.generated), views, layout.cell,
             {layout.cell_left(index, 3), layout.cell_left(index, 4)}, top, "nothing generated");
}

}  // namespace

Image contact_sheet(const std::vector<SheetRow>& rows, const std::string& headline, int cell_size) {
  const Layout layout = layout_of(rows.size(), headline, cell_size);
  const int width = layout.columns * (layout.block_width + 2 * kMargin);
  Image sheet(width, layout.top + layout.rows * layout.block_height, 3, 255);
  if (!headline.empty()) {
    draw_text(sheet, kMargin, kMargin, shorten(headline, width - 2 * kMargin, kScale), kInk,
              kScale);
  }
  draw_column_names(sheet, layout);
  for (size_t i = 0; i < rows.size(); ++i) {
    draw_asset(sheet, rows[i], layout, static_cast<int>(i));
  }
  return sheet;
}

Image preview(const Image& image, const mesh::Scene& generated, int cell_size) {
  SheetRow row;
  row.generated = colored_by_index(generated);
  Image sheet(3 * cell_size + 2 * kGap, cell_size, 3, 255);
  paste(sheet, fit_to_square(image, cell_size), 0, 0);
  draw_scene(sheet, row.generated, views_of(row, cell_size), cell_size,
             {cell_size + kGap, 2 * (cell_size + kGap)}, 0, "nothing generated");
  return sheet;
}

}  // namespace moca::report
