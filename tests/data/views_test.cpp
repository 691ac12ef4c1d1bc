// The images and component maps of a prepared dataset: rendered, or the user's own.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <random>

#include "moca/image/image_io.h"
#include "moca/image/resize.h"
#include "moca/mesh/mesh_io.h"
#include "tests/mesh/shapes.h"
#include "tests/support/refusal.h"
#include "tests/support/tiny_dataset.h"

namespace moca::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::refusal;

class Views : public ::testing::Test {
 protected:
  Views() : config_(testing::tiny_data_config(folder_)) {
    config::set(config_,
                {"procedural.num_assets=1", "procedural.families=[table]", "num_held_out=0"});
  }

  fs::path images() const { return folder_ / "images"; }

  // An image of the asset's view, and its component map where `map` has pixels.
  void give(const std::string& view, const Image& image, const Image& map = {}) {
    config_.views.images = images();
    fs::create_directories(images() / "0000_table");
    write_png(images() / "0000_table" / (view + ".png"), image);
    if (!map.pixels.empty()) {
      write_png(images() / "0000_table" / (view + "_components.png"), map);
    }
  }

  // 24 x 12, transparent on the right; its map names component 0 on the left.
  static Image wide_image() {
    Image image(24, 12, 4, 0);
    for (int y = 0; y < 12; ++y) {
      for (int x = 0; x < 12; ++x) {
        const uint8_t pixel[4] = {200, 40, 10, 255};
        std::memcpy(image.at(x, y), pixel, 4);
      }
    }
    return image;
  }
  static Image wide_map() {
    Image map(24, 12, 1, 0);
    for (int y = 0; y < 12; ++y) {
      std::memset(map.at(0, y), 1, 12);
    }
    return map;
  }

  // Assets from the folder "meshes", which is empty yet, seen as by default.
  void use_mesh_files() {
    fs::create_directories(folder_ / "meshes");
    config::set(config_, {"source=meshes", "meshes.folder=" + (folder_ / "meshes").string(),
                          "meshes.watertight_resolution=16"});
    config_.num_surface_points = config_.num_query_points = 16;
    config_.views = ViewConfig();
  }

  std::string refusal_to_prepare() const {
    return refusal([&] { prepare_dataset(config_, ""); });
  }

  testing::TemporaryFolder folder_;
  DataConfig config_;
};

TEST_F(Views, TakeTheUsersImagesOnWhitePaddedToASquare) {
  give("00", wide_image(), wide_map());
  give("01", Image(7, 7, 3, 90));
  const auto dataset = testing::prepared(config_);
  const auto expected = to_square_rgb(wide_image(), 16);
  const auto found = dataset->image(0, 0).contiguous();
  ASSERT_EQ(found.sizes(), at::IntArrayRef({16, 16, 3}));
  EXPECT_EQ(std::memcmp(found.const_data_ptr<uint8_t>(), expected.pixels.data(), 16 * 16 * 3), 0);
  EXPECT_EQ(found[0][8][0].item<int>(), 255) << "padding above is not white";
  EXPECT_EQ(found[8][12][0].item<int>(), 255) << "transparent is not white";
  EXPECT_EQ(found[8][3][0].item<int>(), 200);
  const auto map = dataset->component_map(0, 0);
  EXPECT_EQ(map[8][3].item<int>(), 1);
  EXPECT_EQ(map[8][12].item<int>(), 0);
  EXPECT_EQ(map[0][3].item<int>(), 0) << "the padding is background";
}

TEST_F(Views, AFolderOfImagesThatIsNotThereIsNamedBeforeAnythingIsMade) {
  config_.views.images = images();
  EXPECT_THAT(refusal_to_prepare(),
              HasSubstr("data.views.images: no folder at " + images().string()));
  EXPECT_FALSE(fs::exists(config_.path));
}

TEST_F(Views, KnowNothingOfComponentsWhereTheUserGaveNoMap) {
  give("00", wide_image(), wide_map());
  give("01", Image(7, 7, 3, 90));
  EXPECT_FALSE(testing::prepared(config_)->component_map(0, 1).any().item<bool>());
}

TEST_F(Views, RefuseWhatIsMissingOrDoesNotFit) {
  give("00", wide_image());
  EXPECT_THAT(refusal_to_prepare(),
              AllOf(HasSubstr("data.views.images"), HasSubstr("0000_table/01")));
  give("01", wide_image(), Image(3, 3, 1, 0));
  EXPECT_THAT(refusal_to_prepare(),
              AllOf(HasSubstr("01_components.png"), HasSubstr("24 x 12"), HasSubstr("3 x 3")));
  give("01", wide_image(), Image(24, 12, 1, 200));
  EXPECT_THAT(refusal_to_prepare(), HasSubstr("names component 200"));
  give("01", wide_image(), wide_map());
  give("02", wide_image());
  EXPECT_THAT(
      refusal_to_prepare(),
      AllOf(HasSubstr("0000_table/02.png is one image more than the 2"), HasSubstr("elevation")));
}

TEST_F(Views, RefuseAMapThatHoldsNoNumbers) {
  give("00", wide_image(), Image(24, 12, 3, 1));
  give("01", wide_image());
  EXPECT_THAT(refusal_to_prepare(), AllOf(HasSubstr("00_components.png"), HasSubstr("colours")));
}

TEST_F(Views, NameComponentsThatNoMapShows) {
  give("00", wide_image(), wide_map());
  give("01", wide_image());
  ::testing::internal::CaptureStderr();
  const auto dataset = testing::prepared(config_);
  const auto log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, ::testing::Not(HasSubstr("no component map shows component 0")));
  EXPECT_THAT(log, HasSubstr("no component map shows component 1 ("));
  EXPECT_GT(dataset->records()[0].num_components(), 1);
}

// 300 boxes beside each other, from a file.
TEST_F(Views, TellMoreThan255ComponentsApart) {
  mesh::Scene scene;
  for (int i = 0; i < 300; ++i) {
    const auto x = static_cast<float>(i % 20);
    const auto y = static_cast<float>(i / 20);
    scene.components.push_back({"", testing::box({x, y, 0}, {x + 0.9F, y + 0.9F, 0.5F})});
  }
  use_mesh_files();
  mesh::write_glb(folder_ / "meshes" / "grid.glb", scene);
  config_.max_components = 300;
  config_.views.image_size = 128;
  const auto dataset = testing::prepared(config_);
  const auto map = dataset->component_map(0, 0);
  EXPECT_EQ(map.scalar_type(), at::kInt);
  EXPECT_EQ(map.max().item<int64_t>(), 300);
}

// Boxes of every shape, as large as assets get, from the views of configs/object_512.yaml.
TEST_F(Views, ShowAssetsWhole) {
  use_mesh_files();
  std::mt19937 engine(3);
  std::uniform_real_distribution<float> side(0.3F, 1.0F);
  for (int i = 0; i < 5; ++i) {
    const mesh::Vec3 half(side(engine), side(engine), side(engine));
    mesh::write_glb(folder_ / "meshes" / (std::to_string(i) + ".glb"),
                    {{{"box", testing::box(-half, half)}}});
  }
  mesh::write_glb(folder_ / "meshes" / "cube.glb", {{{"cube", testing::cube(1)}}});
  config_.views.image_size = 64;
  config_.views.azimuths = {0, 45, 90, 135, 180, 225, 270, 315};
  config_.views.elevations = {15, 0, 30, 15, 0, 30, 15, 0};
  const auto dataset = testing::prepared(config_);
  int num_moved = 0;
  for (int64_t asset = 0; asset < 6; ++asset) {
    for (int64_t view = 0; view < 8; ++view) {
      const auto image = dataset->image(asset, view);
      EXPECT_GT((image < 255).sum().item<int64_t>(), 500);
      for (const int64_t edge : {0, 63}) {
        EXPECT_TRUE((image.select(0, edge) == 255).all().item<bool>()) << asset << ", " << view;
        EXPECT_TRUE((image.select(1, edge) == 255).all().item<bool>()) << asset << ", " << view;
      }
      num_moved += dataset->records()[asset].views[view].distance > 4.0F ? 1 : 0;
    }
  }
  EXPECT_GT(num_moved, 0) << "no asset was large enough to be cut";
  EXPECT_LT(num_moved, 48) << "cameras move where they need not";
}

TEST_F(Views, PaintAllComponentsAlikeWhereAsked) {
  config::set(config_, {"procedural.paint=alike"});
  const auto alike = testing::prepared(config_)->reference(0);
  config::set(config_, {"procedural.paint=by_role"});
  config_.path = folder_ / "by_role";
  const auto by_role = testing::prepared(config_)->reference(0);
  ASSERT_GT(alike.components.size(), 1U);
  for (const auto& component : alike.components) {
    EXPECT_EQ(component.color, by_role.components.front().color);
  }
  EXPECT_NE(by_role.components.front().color, by_role.components.back().color);
}

TEST_F(Views, DrawLinesOnlyWhereAsked) {
  const auto plain = testing::prepared(config_)->image(0, 0).to(at::kInt);
  config_.views.lines = mesh::Lines::kCreases;
  config_.path = folder_ / "lined";
  const auto lined = testing::prepared(config_)->image(0, 0).to(at::kInt);
  EXPECT_TRUE((lined <= plain).all().item<bool>());
  EXPECT_GT((lined < plain).sum().item<int64_t>(), 30);
}

}  // namespace
}  // namespace moca::data
