// What a dataset of the built-in generator promises, looked at through its files.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "moca/core/file_io.h"
#include "moca/data/prepared_dataset.h"
#include "moca/mesh/renderer.h"
#include "moca/mesh/scene_ops.h"
#include "moca/procedural/procedural_assets.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"

namespace moca::data {
namespace {

using testing::all_close;
using testing::bit_equal;
using ::testing::HasSubstr;
using testing::prepared;
using testing::refusal;
using testing::TemporaryFolder;
using testing::tiny_data_config;

mesh::Vec3 point_of(const at::Tensor& row) {
  return {row[0].item<float>(), row[1].item<float>(), row[2].item<float>()};
}

// The generated asset that a record names as its source, "procedural:<family>:<seed>".
procedural::ProceduralAsset generated_again(const AssetRecord& record) {
  const auto last = record.source.rfind(':');
  const auto name = record.source.substr(11, last - 11);
  for (const auto family : procedural::kAllFamilies) {
    if (procedural::name_of(family) == name) {
      return procedural::make_asset(family, 2, 4, std::stoull(record.source.substr(last + 1)));
    }
  }
  ADD_FAILURE() << "no such family: " << record.source;
  return {};
}

// One dataset for all tests that only look at it.
class ProceduralDataset : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder();
    config_ = tiny_data_config(*folder_);
    dataset_ = prepared(config_);
  }
  static void TearDownTestSuite() {
    dataset_.reset();
    delete folder_;
  }

  // Calls see(asset, component) for every component of the dataset.
  template <class See>
  static void for_every_component(See&& see) {
    for (int64_t asset = 0; asset < 4; ++asset) {
      for (int64_t i = 0; i < dataset_->records()[asset].num_components(); ++i) {
        SCOPED_TRACE(dataset_->records()[asset].component_names[i]);
        see(asset, i);
      }
    }
  }

  static TemporaryFolder* folder_;
  static DataConfig config_;
  static std::shared_ptr<const PreparedDataset> dataset_;
};

TemporaryFolder* ProceduralDataset::folder_ = nullptr;
DataConfig ProceduralDataset::config_;
std::shared_ptr<const PreparedDataset> ProceduralDataset::dataset_;

TEST_F(ProceduralDataset, HoldsWhatTheConfigAskedFor) {
  EXPECT_EQ(dataset_->indices_of("train"), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(dataset_->indices_of("test"), (std::vector<int64_t>{3}));
  EXPECT_EQ(dataset_->image_size(), 16);
  std::set<std::string> ids;
  for (int64_t i = 0; i < 4; ++i) {
    const auto& record = dataset_->records()[i];
    ids.insert(record.id);
    EXPECT_GE(record.num_components(), 2);
    EXPECT_LE(record.num_components(), 4);
    ASSERT_EQ(record.views.size(), 2U);
    EXPECT_EQ(record.views[1].azimuth, 90.0F);
    EXPECT_EQ(dataset_->image(i, 1).sizes(), at::IntArrayRef({16, 16, 3}));
    EXPECT_EQ(dataset_->surface(i, 0).points.sizes(), at::IntArrayRef({64, 3}));
    EXPECT_EQ(dataset_->queries(i, 0).distances.sizes(), at::IntArrayRef({64}));
  }
  EXPECT_EQ(ids.size(), 4U);
}

TEST_F(ProceduralDataset, ReferencesAreTheGeneratedMeshesBitForBit) {
  for (int64_t asset = 0; asset < 4; ++asset) {
    const auto& record = dataset_->records()[asset];
    const auto expected = procedural::scene_of(generated_again(record));
    const auto actual = dataset_->reference(asset);
    ASSERT_EQ(actual.components.size(), expected.components.size()) << record.id;
    for (size_t i = 0; i < actual.components.size(); ++i) {
      EXPECT_EQ(actual.components[i].name, expected.components[i].name);
      EXPECT_EQ(actual.components[i].name, record.component_names[i]);
      EXPECT_EQ(actual.components[i].color, expected.components[i].color);
      EXPECT_EQ(actual.components[i].mesh.vertices, expected.components[i].mesh.vertices);
      EXPECT_EQ(actual.components[i].mesh.faces, expected.components[i].mesh.faces);
      EXPECT_TRUE(mesh::is_watertight(actual.components[i].mesh));
    }
  }
}

TEST_F(ProceduralDataset, DistancesAreThoseOfTheExactShapes) {
  for_every_component([](int64_t asset, int64_t i) {
    const auto made = generated_again(dataset_->records()[asset]);
    const auto queries = dataset_->queries(asset, i);
    for (int64_t q = 0; q < queries.points.size(0); ++q) {
      EXPECT_EQ(
          queries.distances[q].item<float>(),
          procedural::signed_distance(made.components[i].primitive, point_of(queries.points[q])));
    }
  });
}

TEST_F(ProceduralDataset, SurfacePointsLieOnTheExactShapesAndNormalsPointOut) {
  static constexpr float kStep = 0.005F;  // above the chord error, below half the thinnest plate
  for_every_component([](int64_t asset, int64_t i) {
    const auto made = generated_again(dataset_->records()[asset]);
    const auto surface = dataset_->surface(asset, i);
    EXPECT_TRUE(all_close(surface.normals.norm(2, -1), at::ones({64}), 1e-5));
    const auto distance = [&](const mesh::Vec3& at) {
      return procedural::signed_distance(made.components[i].primitive, at);
    };
    for (int64_t p = 0; p < surface.points.size(0); ++p) {
      const auto point = point_of(surface.points[p]);
      const mesh::Vec3 step = kStep * point_of(surface.normals[p]);
      EXPECT_NEAR(distance(point), 0.0F, 2 * procedural::kChordError);  // in two directions
      EXPECT_LT(distance(point + step), distance(point - step));
    }
  });
}

TEST_F(ProceduralDataset, AssetsFillTheBoxTheGeneratorPromises) {
  for (int64_t asset = 0; asset < 4; ++asset) {
    const auto box = mesh::bounds(dataset_->reference(asset));
    EXPECT_NEAR((box.high - box.low).maxCoeff(), procedural::kLongestSide, 1e-4);
    EXPECT_NEAR((box.high + box.low).norm(), 0.0F, 1e-4);
  }
}

TEST_F(ProceduralDataset, IdMapsAreTheReferenceSeenFromTheRecordedCameras) {
  for (int64_t asset = 0; asset < 4; ++asset) {
    const auto& record = dataset_->records()[asset];
    const checkpoint::SafetensorsFile shard(std::filesystem::path(config_.path) / record.shard);
    const auto stored = shard.read(record.id + "/component_ids");
    ASSERT_EQ(stored.sizes(), at::IntArrayRef({2, 16, 16}));
    for (int64_t view = 0; view < 2; ++view) {
      const auto seen = mesh::render(dataset_->reference(asset), record.views[view], 16);
      const auto row = stored[view].contiguous();
      EXPECT_TRUE(std::equal(seen.component_ids.pixels.begin(), seen.component_ids.pixels.end(),
                             row.const_data_ptr<uint8_t>()))
          << record.id << ", view " << view;
      EXPECT_TRUE((row > 0).any().item<bool>()) << "nothing to be seen of " << record.id;
    }
  }
}

TEST_F(ProceduralDataset, NamesItsRandomStreamsByTheNumbersInItsIds) {
  for (const auto& record : dataset_->records()) {
    EXPECT_EQ(record.stream, std::stoll(record.id.substr(0, 4)));
  }
}

TEST_F(ProceduralDataset, KeepsTheSettingsItWasMadeWith) {
  EXPECT_THAT(read_file(std::filesystem::path(config_.path) / "index.json"),
              HasSubstr("\"made_by\": \"made by a test\""));
}

TEST_F(ProceduralDataset, IsTheSameBitsForTheSameSeedAndOthersForAnother) {
  const TemporaryFolder again, other;
  auto config = tiny_data_config(again);
  prepared(config);
  const auto shard = [](const TemporaryFolder& folder) {
    return read_file(folder / "dataset/shard_00000.safetensors");
  };
  EXPECT_EQ(shard(again), shard(*folder_));
  EXPECT_EQ(read_file(again / "dataset/index.json"), read_file(*folder_ / "dataset/index.json"));
  config = tiny_data_config(other);
  config.seed = 1;
  EXPECT_NE(prepared(config)->records()[0].source, dataset_->records()[0].source);
}

TEST_F(ProceduralDataset, HeldOutAssetsDoNotChangeTheOthers) {
  const TemporaryFolder folder;
  auto config = tiny_data_config(folder);
  config.num_held_out = 0;
  const auto without = prepared(config);
  EXPECT_EQ(without->records().size(), 3U);
  EXPECT_TRUE(without->indices_of("test").empty());
  EXPECT_TRUE(bit_equal(without->queries(2, 1).points, dataset_->queries(2, 1).points));
}

TEST(QueryPoints, AreHalfNearTheSurfaceAndQuarterAnywhere) {
  const TemporaryFolder folder;
  auto config = tiny_data_config(folder);
  config::set(config, {"procedural.num_assets=1"});
  config.num_held_out = 0;
  config.num_query_points = 2000;
  const auto dataset = prepared(config);
  const auto queries = dataset->queries(0, 0);
  EXPECT_LE(queries.points.abs().max().item<double>(), 1.05 + 1e-6);
  const auto near = queries.distances.narrow(0, 0, 1000);
  EXPECT_LT(near.abs().median().item<double>(), 0.06);
  EXPECT_LT(near.abs().max().item<double>(), 0.06 * std::sqrt(3.0) * 5);
  EXPECT_GT((near > 0).to(at::kFloat).mean().item<double>(), 0.2) << "few points are inside";
  EXPECT_GT((near < 0).to(at::kFloat).mean().item<double>(), 0.2) << "few points are outside";
  const auto anywhere = queries.points.narrow(0, 1500, 500);
  for (int64_t axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(anywhere.select(1, axis).mean().item<double>(), 0.0, 5 * 0.606 / std::sqrt(500.0));
    EXPECT_NEAR(anywhere.select(1, axis).std().item<double>(), 0.606, 0.06);  // 1.05 / sqrt(3)
  }
}

TEST(ProceduralSource, SaysThatAFolderForAnotherSourceIsNotRead) {
  const TemporaryFolder folder;
  auto config = tiny_data_config(folder);
  config::set(config, {"meshes.folder=scans"});
  ::testing::internal::CaptureStderr();
  prepared(config);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("data.meshes.folder (scans) is not read: data.source is procedural. For "
                        "its meshes set data.source=meshes."));
}

TEST(ProceduralFamilies, AreTakenInTurn) {
  const TemporaryFolder folder;
  auto config = tiny_data_config(folder);
  config::set(config, {"procedural.families=[lamp, table]"});
  const auto dataset = prepared(config);
  EXPECT_EQ(dataset->records()[0].id, "0000_lamp");
  EXPECT_EQ(dataset->records()[1].id, "0001_table");
  EXPECT_EQ(dataset->records()[2].id, "0002_lamp");
}

TEST(ProceduralFamilies, AnUnknownOneIsRefusedWithThoseThereAre) {
  const TemporaryFolder folder;
  auto config = tiny_data_config(folder);
  config::set(config, {"procedural.families=[spaceship]"});
  const auto message = refusal([&] { prepare_dataset(config, ""); });
  EXPECT_THAT(message, ::testing::AllOf(HasSubstr("data.procedural.families must be of {chair, "),
                                        HasSubstr("got 'spaceship'")));
  EXPECT_FALSE(std::filesystem::exists(config.path)) << "a refused config left a folder behind";
}

}  // namespace
}  // namespace moca::data
