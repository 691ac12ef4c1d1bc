#include "moca/data/data_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/config/schema.h"
#include "tests/support/refusal.h"

namespace moca::data {
namespace {

using ::testing::HasSubstr;
using testing::refusal;

std::string refusal_of(const std::string& yaml) {
  return refusal([&] { config::parse<DataConfig>(yaml, "data.yaml"); });
}

TEST(DataConfig, NeedsAPlaceForTheDataset) {
  EXPECT_THAT(refusal_of("{}"), HasSubstr("path is empty: name the folder"));
  EXPECT_EQ(refusal_of("path: d"), "accepted");
}

TEST(DataConfig, DrawsNoLinesIntoTheUsersImages) {
  EXPECT_THAT(refusal_of("{path: d, views: {images: i, lines: creases}}"),
              HasSubstr("views.lines is creases, but views.images gives images"));
  EXPECT_EQ(refusal_of("{path: d, views: {images: i}}"), "accepted");
}

TEST(DataConfig, NeedsAFolderOfMeshesWhereMeshesAreTheSource) {
  EXPECT_THAT(refusal_of("{path: d, source: meshes}"), HasSubstr("meshes.folder is empty"));
  EXPECT_EQ(refusal_of("{path: d, source: meshes, meshes: {folder: m}}"), "accepted");
}

TEST(DataConfig, RefusesToGenerateMoreComponentsThanItAllows) {
  EXPECT_THAT(refusal_of("{path: d, max_components: 4, procedural: {max_components: 5}}"),
              HasSubstr("procedural.max_components (5) must be at most"));
  EXPECT_EQ(refusal_of("{path: d, max_components: 5, procedural: {max_components: 5}}"),
            "accepted");
}

TEST(DataConfig, RefusesBoundsInTheWrongOrder) {
  EXPECT_THAT(refusal_of("{path: d, procedural: {min_components: 7, max_components: 6}}"),
              HasSubstr("min_components (7) must be at most"));
}

TEST(DataConfig, WantsOneElevationPerAzimuth) {
  EXPECT_THAT(
      refusal_of("{path: d, views: {azimuths: [0, 90], elevations: [0]}}"),
      HasSubstr("azimuths (2 values) and views.elevations (1 values) must be equally long"));
  EXPECT_THAT(refusal_of("{path: d, views: {azimuths: [], elevations: []}}"),
              HasSubstr("not empty: one pair per view"));
  EXPECT_EQ(refusal_of("{path: d, views: {azimuths: [0, 90], elevations: [0, 5]}}"), "accepted");
}

}  // namespace
}  // namespace moca::data
