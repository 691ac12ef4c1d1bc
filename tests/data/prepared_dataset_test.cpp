#include "moca/data/prepared_dataset.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/data/data_order.h"
#include "moca/data/prepare.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"
#include "tests/support/shared_folder.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"

namespace moca::data {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::tiny_data_config;

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(PreparedDataset, HoldsWhatTheConfigAskedFor) {
  const TemporaryFolder folder;
  prepare_dataset(tiny_data_config(folder), "made_by");
  const PreparedDataset dataset(folder / "dataset");
  EXPECT_EQ(dataset.indices_of("train").size(), 3U);
  EXPECT_EQ(dataset.indices_of("test").size(), 1U);
  EXPECT_EQ(dataset.image_size(), 16);
  for (int64_t i = 0; i < 4; ++i) {
    const auto& record = dataset.records()[i];
    EXPECT_GE(record.num_components(), 2);
    EXPECT_LE(record.num_components(), 4);
    EXPECT_EQ(record.views.size(), 2U);
    EXPECT_EQ(dataset.image(i, 1).sizes(), at::IntArrayRef({16, 16, 3}));
    EXPECT_EQ(dataset.reference(i).components.size(), record.component_names.size());
  }
}

TEST(PreparedDataset, StoresPointsOfTheSurfaceAndDistancesToIt) {
  const TemporaryFolder folder;
  prepare_dataset(tiny_data_config(folder), "made_by");
  const PreparedDataset dataset(folder / "dataset");
  for (int64_t component = 0; component < dataset.records()[0].num_components(); ++component) {
    const auto surface = dataset.surface(0, component);
    EXPECT_LE(surface.points.abs().max().item<double>(), 0.96);  // longest side 1.9
    EXPECT_TRUE(testing::all_close(surface.normals.norm(2, -1), at::ones({64}), 1e-5));
    const auto queries = dataset.queries(0, component);
    // No point is farther from the surface than from any of its samples.
    const auto to_samples = std::get<0>(at::cdist(queries.points, surface.points).min(1));
    EXPECT_TRUE((queries.distances.abs() <= to_samples + 1e-3).all().item<bool>());
    EXPECT_TRUE((queries.distances > 0).any().item<bool>());
    EXPECT_TRUE((queries.distances < 0).any().item<bool>());
  }
}

TEST(PreparedDataset, IsTheSameForTheSameSeed) {
  const TemporaryFolder first, second;
  prepare_dataset(tiny_data_config(first), "made_by");
  prepare_dataset(tiny_data_config(second), "made_by");
  EXPECT_EQ(read_file(first / "dataset/shard_00000.safetensors"),
            read_file(second / "dataset/shard_00000.safetensors"));
}

TEST(PreparedDataset, IsNeverOverwritten) {
  const TemporaryFolder folder;
  const auto config = tiny_data_config(folder);
  prepare_dataset(config, "made_by");
  EXPECT_THAT(refusal([&] { prepare_dataset(config, "made_by"); }),
              HasSubstr("exists already and is not overwritten"));
}

TEST(PreparedDataset, RefusesAMissingOrForeignFolder) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal([&] { PreparedDataset dataset(folder / "nothing"); }),
              HasSubstr("no prepared dataset at"));
  prepare_dataset(tiny_data_config(folder), "made_by");
  const auto index = folder / "dataset/index.json";
  auto text = read_file(index);
  text.replace(text.find("\"schema_version\": 1"), 19, "\"schema_version\": 9");
  write_file(index, text);
  EXPECT_THAT(refusal([&] { PreparedDataset dataset(folder / "dataset"); }),
              HasSubstr("schema version 9, this program reads version 1. Prepare it again"));
}

TEST(MeshFolder, PreparesRealMeshesWithTheirComponents) {
  const auto object = testing::shared_folder() / "data/objects/kk_chair_a.glb";
  if (!std::filesystem::exists(object)) {
    GTEST_SKIP() << "no mesh at " << object;
  }
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "meshes");
  std::filesystem::copy(object, folder / "meshes/chair.glb");
  auto config = tiny_data_config(folder);
  config.source = Source::kMeshes;
  config.meshes.folder = folder / "meshes";
  config.meshes.watertight_resolution = 32;
  config.num_held_out = 0;
  prepare_dataset(config, "made_by");
  const PreparedDataset dataset(folder / "dataset");
  EXPECT_EQ(dataset.records()[0].id, "chair");
  EXPECT_EQ(dataset.records()[0].sha256.size(), 64U);
  const auto box = mesh::bounds(dataset.reference(0));
  EXPECT_NEAR((box.high - box.low).maxCoeff(), 2.0, 1e-5);
}

TEST(MeshFolder, NamesTheFileThatCannotBeUsed) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "meshes");
  write_file(folder / "meshes/broken.glb", "not a mesh");
  auto config = tiny_data_config(folder);
  config.source = Source::kMeshes;
  config.meshes.folder = folder / "meshes";
  config.num_held_out = 0;
  EXPECT_THAT(refusal([&] { prepare_dataset(config, "made_by"); }), HasSubstr("broken.glb"));
  config.path = folder / "other";
  config.meshes.folder = folder / "nowhere";
  EXPECT_THAT(refusal([&] { prepare_dataset(config, "made_by"); }), HasSubstr("no folder at"));
}

TEST(DataOrder, ShowsEverySampleOnceAnEpoch) {
  DataOrder order(10, 3);
  std::multiset<int64_t> seen;
  for (int64_t step = 0; step < 5; ++step) {
    for (const int64_t sample : order.batch(step, 4)) {
      seen.insert(sample);
    }
  }
  for (int64_t sample = 0; sample < 10; ++sample) {
    EXPECT_EQ(seen.count(sample), 2U) << "sample " << sample;
  }
}

TEST(DataOrder, DependsOnTheStepAlone) {
  DataOrder order(10, 3), fresh(10, 3), other(10, 4);
  std::vector<int64_t> batch, other_batch;
  for (int64_t step = 0; step <= 7; ++step) {
    batch = order.batch(step, 3);
    other_batch = other.batch(step, 3);
  }
  EXPECT_EQ(fresh.batch(7, 3), batch);
  EXPECT_NE(other_batch, batch);
}

}  // namespace
}  // namespace moca::data
