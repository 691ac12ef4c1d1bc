#include "moca/data/asset_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/core/error.h"
#include "moca/data/dataset_settings.h"
#include "tests/mesh/shapes.h"
#include "tests/support/refusal.h"
#include "tests/support/tiny_dataset.h"

namespace moca::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::refusal;

// A source as a program that uses the library adds it: shelves of open boards, one in each split.
struct ShelfConfig {
  std::vector<std::string> splits = {"val", "test"};
  std::string second_id = "1";
  int64_t num_boards = 2;
  int64_t watertight_resolution = 16;

  static void fields(auto& self, auto&& v) {
    v("splits", self.splits, "of the shelves");
    v("second_id", self.second_id, "of the second shelf");
    v("num_boards", self.num_boards, "components of a shelf", config::at_least(0));
    v("watertight_resolution", self.watertight_resolution, "voxels of a board");
  }
};

AssetSource shelves(const DataConfig& config) {
  const auto settings = config.source.settings<ShelfConfig>();
  AssetSource source;
  for (const auto& split : settings.splits) {
    const auto number = source.entries.size();
    source.entries.push_back({number == 1 ? settings.second_id : std::to_string(number), split});
  }
  source.load = [settings](int64_t index) {
    if (settings.splits[index] == "broken") {
      throw Error("it fell");
    }
    SourceAsset asset;
    for (int64_t i = 0; i < settings.num_boards; ++i) {
      const auto height = -0.9F + 0.5F * static_cast<float>(i);
      asset.scene.components.push_back({"board", testing::square(height), mesh::Vec3::Ones()});
    }
    return asset;
  };
  return source;
}

class OwnSource : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const bool once = [] {
      register_source({{"shelves", "boards above each other", ShelfConfig()}, shelves});
      return true;
    }();
    EXPECT_TRUE(once);
  }

  OwnSource() : config_(testing::tiny_data_config(folder_)) {
    config::set(config_, {"source=shelves"});
  }

  std::string refusal_to_prepare(const std::vector<std::string>& settings) {
    config::set(config_, settings);
    return refusal([&] { prepare_dataset(config_, ""); });
  }

  testing::TemporaryFolder folder_;
  DataConfig config_;
};

TEST_F(OwnSource, IsChosenByItsNameAndBringsItsSection) {
  const auto config = config::parse<DataConfig>(
      "{path: d, source: shelves, shelves: {num_boards: 3}}", "data.yaml");
  EXPECT_EQ(config.source.settings<ShelfConfig>().num_boards, 3);
  EXPECT_EQ(refusal([] { config::parse<DataConfig>("{path: d, source: shelfs}", "data.yaml"); }),
            "data.yaml:1: source must be one of {shelves, procedural, meshes}, got 'shelfs'. Did "
            "you mean 'shelves'?");
  EXPECT_THAT(
      refusal([] { config::parse<DataConfig>("{path: d, shelves: {num_bords: 3}}", "data.yaml"); }),
      HasSubstr("Did you mean 'shelves.num_boards'?"));
}

TEST_F(OwnSource, GivesIdsAndSplitsOfItsOwn) {
  const auto dataset = testing::prepared(config_);
  ASSERT_EQ(dataset->records().size(), 2U);
  EXPECT_EQ(dataset->records()[1].id, "1");
  EXPECT_THAT(dataset->indices_of("val"), ElementsAre(0));
  EXPECT_THAT(dataset->indices_of("test"), ElementsAre(1));
  EXPECT_TRUE(dataset->indices_of("train").empty()) << "a set for evaluation only";
}

TEST_F(OwnSource, IsInTheDatasetsRecord) {
  prepare_dataset(config_, config::dump(config_));
  const auto made_by = read_dataset_settings(config_.path).made_by;
  ASSERT_TRUE(made_by);
  EXPECT_EQ(config::dump(*made_by), config::dump(config_));
}

TEST_F(OwnSource, DrawsByIdsWhereverTheyStand) {
  const auto before = testing::prepared(config_);
  config::set(config_, {"shelves.splits=[val, test, train]", "shelves.second_id=between"});
  config_.path = folder_ / "other";
  const auto after = testing::prepared(config_);
  const auto points = [](const auto& dataset, int64_t asset) {
    return dataset->surface(asset, 0).points;
  };
  EXPECT_TRUE(at::equal(points(before, 0), points(after, 0)));
  EXPECT_FALSE(at::equal(points(before, 1), points(after, 1))) << "another id";
  EXPECT_EQ(stream_of({"0"}), before->records()[0].stream);
  EXPECT_EQ(stream_of({"0", "train", "", 5}), 5);
}

TEST_F(OwnSource, HasItsOpenMeshesClosedAsItsSettingSays) {
  EXPECT_EQ(watertight_resolution(config_), 16);
  const auto thickness = [&] {
    const auto asset = load_asset(open_source(config_), 0, config_);
    const auto box = mesh::bounds(asset.closed.at(0));
    return box.high.y() - box.low.y();
  };
  const auto coarse = thickness();
  config::set(config_, {"shelves.watertight_resolution=64"});
  EXPECT_NEAR(coarse / thickness(), 4, 0.5);
  config::set(config_, {"source=procedural"});
  EXPECT_EQ(watertight_resolution(config_), kWatertightResolution) << "it has no such setting";
}

TEST_F(OwnSource, IsHeldToTheRulesOfIdsAndSplits) {
  EXPECT_THAT(refusal_to_prepare({"shelves.second_id=0"}),
              HasSubstr("data.source: shelves has two assets with the id '0'"));
  EXPECT_THAT(refusal_to_prepare({"shelves.second_id=a/b"}),
              HasSubstr("has the asset 'a/b' of the split 'test': both must be names without '/'"));
  EXPECT_THAT(refusal_to_prepare({"shelves.second_id=1", "shelves.splits=[train, ../x]"}),
              HasSubstr("of the split '../x'"));
  EXPECT_THAT(refusal_to_prepare({"shelves.splits=[]"}), HasSubstr("shelves has no asset"));
  EXPECT_FALSE(std::filesystem::exists(config_.path));
}

TEST_F(OwnSource, LosesAnAssetThatCannotBeUsedByName) {
  EXPECT_EQ(refusal_to_prepare({"shelves.splits=[broken]"}), "0: it fell");
  EXPECT_EQ(refusal_to_prepare({"shelves.splits=[val]", "shelves.num_boards=0"}),
            "0 has no component.");
  EXPECT_THAT(refusal_to_prepare({"shelves.num_boards=3", "max_components=2"}),
              HasSubstr("0 has 3 components, data.max_components allows 2"));
}

TEST_F(OwnSource, ThatIsThereAlreadyIsNotAddedAgain) {
  EXPECT_THROW(register_source({{"shelves", "", ShelfConfig()}, shelves}), std::logic_error);
}

TEST_F(OwnSource, ThatAProgramNamesWronglyIsRefused) {
  config_.source.name = "shelve";
  EXPECT_THAT(refusal([&] { open_source(config_); }),
              HasSubstr("data.source must be one of {shelves, procedural, meshes}, got 'shelve'. "
                        "Did you mean 'shelves'?"));
}

}  // namespace
}  // namespace moca::data
