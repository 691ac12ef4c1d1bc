#include "moca/report/contact_sheet.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

#include "src/report/drawing.h"

namespace moca::report {
namespace {

constexpr int kCell = 48;

mesh::Component tetrahedron(float size, const mesh::Vec3& center) {
  mesh::Component component;
  component.name = "tetrahedron";
  component.mesh.vertices = {
      center + size * mesh::Vec3(1, 1, 1), center + size * mesh::Vec3(1, -1, -1),
      center + size * mesh::Vec3(-1, 1, -1), center + size * mesh::Vec3(-1, -1, 1)};
  component.mesh.faces = {{0, 1, 2}, {0, 3, 1}, {0, 2, 3}, {1, 3, 2}};
  return component;
}

SheetRow full_row() {
  SheetRow row;
  row.title = "pair";
  row.image = Image(16, 16, 3, 90);
  row.reference.components = {tetrahedron(0.4F, {0.4F, 0, 0}), tetrahedron(0.3F, {-0.5F, 0, 0})};
  row.generated = row.reference;
  row.caption = "CD 0";
  return row;
}

// How many colours the upper two thirds of the last row's cells hold between two columns of pixels.
size_t num_colors(const Image& sheet, int left, int right) {
  std::set<Color> colors;
  for (int y = sheet.height - kCell; y < sheet.height - kCell / 3; ++y) {
    for (int x = left; x < right; ++x) {
      const uint8_t* pixel = sheet.at(x, y);
      colors.insert({pixel[0], pixel[1], pixel[2]});
    }
  }
  return colors.size();
}

TEST(ContactSheet, GrowsByOneBandPerAsset) {
  const Image one = contact_sheet({full_row()}, "", kCell);
  const Image two = contact_sheet({full_row(), full_row()}, "", kCell);
  const Image three = contact_sheet(std::vector<SheetRow>(3, full_row()), "", kCell);
  EXPECT_EQ(one.channels, 3);
  EXPECT_GE(one.width, 5 * kCell);
  EXPECT_GT(two.height - one.height, kCell);
  EXPECT_EQ(three.height - two.height, two.height - one.height);
}

TEST(ContactSheet, PutsManyAssetsInTwoColumns) {
  const Image eight = contact_sheet(std::vector<SheetRow>(8, full_row()), "", kCell);
  const Image sixteen = contact_sheet(std::vector<SheetRow>(16, full_row()), "", kCell);
  EXPECT_EQ(sixteen.width, 2 * eight.width);
  EXPECT_EQ(sixteen.height, eight.height);
}

TEST(ContactSheet, DrawsTheAssetInAllFiveCells) {
  const Image sheet = contact_sheet({full_row()}, "", kCell);
  const int fifth = sheet.width / 5;
  for (int cell = 0; cell < 5; ++cell) {
    EXPECT_GT(num_colors(sheet, cell * fifth, (cell + 1) * fifth), 1U) << cell;
  }
}

TEST(ContactSheet, ColorsReferenceAndGeneratedAlikeByIndex) {
  SheetRow row = full_row();
  const Image plain = contact_sheet({row}, "", kCell);
  row.reference.components[0].color = mesh::Vec3(1, 0, 0);
  EXPECT_EQ(contact_sheet({row}, "", kCell).pixels, plain.pixels);
  std::swap(row.generated.components[0], row.generated.components[1]);
  EXPECT_NE(contact_sheet({row}, "", kCell).pixels, plain.pixels);
}

TEST(ContactSheet, LabelsWhatIsAbsentInsteadOfFailing) {
  SheetRow photo = full_row();
  photo.reference = {};
  SheetRow failed = full_row();
  failed.generated.components[0].mesh = {};
  failed.generated.components[1].mesh = {};
  failed.image = Image();
  const Image complete = contact_sheet({full_row()}, "", kCell);
  for (const SheetRow& row : {photo, failed}) {
    const Image sheet = contact_sheet({row}, "", kCell);
    EXPECT_EQ(sheet.height, complete.height);
    EXPECT_NE(sheet.pixels, complete.pixels);
  }
  const Image sheet = contact_sheet({photo}, "", kCell);
  // The reference's two cells hold a grey field with its label, nothing of a rendering.
  const int second = sheet.width / 5 + 10;
  EXPECT_LE(num_colors(sheet, second, second + kCell / 2), 3U);
}

TEST(ContactSheet, ShowsHeadlineTitleAndCaption) {
  const SheetRow row = full_row();
  SheetRow renamed = row;
  renamed.title = "other";
  SheetRow rescored = row;
  rescored.caption = "CD 1";
  const Image sheet = contact_sheet({row}, "", kCell);
  EXPECT_NE(contact_sheet({renamed}, "", kCell).pixels, sheet.pixels);
  EXPECT_NE(contact_sheet({rescored}, "", kCell).pixels, sheet.pixels);
  EXPECT_GT(contact_sheet({row}, "step 100", kCell).height, sheet.height);
}

TEST(ContactSheet, OfNothingIsAHeaderOnly) {
  const Image sheet = contact_sheet({}, "", kCell);
  EXPECT_GT(sheet.width, 5 * kCell);
  EXPECT_EQ(sheet.pixels.size(), static_cast<size_t>(sheet.width) * sheet.height * 3);
}

}  // namespace
}  // namespace moca::report
