#include "moca/data/prepared_dataset.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "moca/core/file_io.h"
#include "moca/core/generator.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::bit_equal;
using ::testing::HasSubstr;
using testing::refusal;
using testing::TemporaryFolder;

AssetRecord record_of(const std::string& id, const std::string& split) {
  AssetRecord record;
  record.id = id;
  record.split = split;
  record.component_names = {"seat", "back \"left\""};
  record.source = "meshes/" + id + ".glb";
  record.sha256 = std::string(64, 'a');
  record.stream = id[0];  // 97 and on
  mesh::Camera camera;
  camera.azimuth = 12.5F;
  camera.elevation = -3.25F;
  camera.field_of_view = 40.0F;
  camera.distance = 4.5F;
  camera.half_extent = 1.1F;
  record.views = {camera, mesh::Camera()};
  return record;
}

// Two components of 3 and 4 vertices; every number is drawn from the seed.
AssetTensors tensors_of(uint64_t seed) {
  auto generator = generator_for(seed, "tensors of a test asset");
  const auto draw = [&](at::IntArrayRef sizes) {
    return at::randn(sizes, generator, at::TensorOptions());
  };
  const auto bytes = [&](at::IntArrayRef sizes) {
    return at::randint(256, sizes, generator, at::TensorOptions().dtype(at::kByte));
  };
  AssetTensors tensors;
  tensors.surface_points = draw({2, 5, 3});
  tensors.surface_normals = draw({2, 5, 3});
  tensors.query_points = draw({2, 6, 3});
  tensors.query_distances = draw({2, 6});
  tensors.images = bytes({2, 4, 4, 3});
  tensors.component_ids = bytes({2, 4, 4});
  tensors.vertices = draw({7, 3});
  tensors.faces = at::tensor({0, 1, 2, 0, 1, 3, 1, 2, 3}, at::kInt).view({3, 3});
  tensors.mesh_sizes = at::tensor({3, 1, 4, 2}, at::kLong).view({2, 2});
  tensors.colors = draw({2, 3});
  return tensors;
}

class DatasetFiles : public ::testing::Test {
 protected:
  // Two assets, "a" for training and "b" held out.
  void write_dataset() const {
    DatasetWriter writer(path(), {"settings: 1\n", 2});
    writer.add(record_of("a", "train"), tensors_of(1));
    writer.add(record_of("b", "test"), tensors_of(2));
    writer.save();
  }
  fs::path path() const { return folder_ / "dataset"; }
  fs::path shard() const { return path() / "shard_00000.safetensors"; }

  void replace_in_index(const std::string& from, const std::string& to) const {
    auto text = read_file(path() / "index.json");
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write_file(path() / "index.json", text.replace(at, from.size(), to));
  }
  std::string refusal_to_open() const {
    return refusal([&] { PreparedDataset dataset(path()); });
  }

  TemporaryFolder folder_;
};

TEST_F(DatasetFiles, EveryTensorIsReadBackBitForBit) {
  write_dataset();
  const PreparedDataset dataset(path());
  EXPECT_EQ(dataset.image_size(), 4);
  for (int64_t asset = 0; asset < 2; ++asset) {
    const auto written = tensors_of(static_cast<uint64_t>(asset) + 1);
    for (int64_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(bit_equal(dataset.surface(asset, i).points, written.surface_points[i]));
      EXPECT_TRUE(bit_equal(dataset.surface(asset, i).normals, written.surface_normals[i]));
      EXPECT_TRUE(bit_equal(dataset.queries(asset, i).points, written.query_points[i]));
      EXPECT_TRUE(bit_equal(dataset.queries(asset, i).distances, written.query_distances[i]));
      EXPECT_TRUE(bit_equal(dataset.image(asset, i), written.images[i]));
    }
  }
}

TEST_F(DatasetFiles, EveryFieldOfARecordIsReadBack) {
  write_dataset();
  const PreparedDataset dataset(path());
  const auto& actual = dataset.records()[1];
  const auto expected = record_of("b", "test");
  EXPECT_EQ(actual.id, expected.id);
  EXPECT_EQ(actual.split, expected.split);
  EXPECT_EQ(actual.component_names, expected.component_names);
  EXPECT_EQ(actual.source, expected.source);
  EXPECT_EQ(actual.sha256, expected.sha256);
  EXPECT_EQ(actual.stream, expected.stream);
  EXPECT_EQ(actual.shard, "shard_00000.safetensors");
  ASSERT_EQ(actual.views.size(), 2U);
  EXPECT_EQ(actual.views[0].azimuth, 12.5F);
  EXPECT_EQ(actual.views[0].elevation, -3.25F);
  EXPECT_EQ(actual.views[0].field_of_view, 40.0F);
  EXPECT_EQ(actual.views[0].distance, 4.5F);
  EXPECT_EQ(actual.views[0].half_extent, 1.1F);
  EXPECT_EQ(dataset.indices_of("train"), (std::vector<int64_t>{0}));
  EXPECT_EQ(dataset.indices_of("test"), (std::vector<int64_t>{1}));
  EXPECT_TRUE(dataset.indices_of("validation").empty());
}

TEST_F(DatasetFiles, AReferenceIsCutIntoItsComponents) {
  write_dataset();
  const auto scene = PreparedDataset(path()).reference(1);
  const auto written = tensors_of(2);
  ASSERT_EQ(scene.components.size(), 2U);
  EXPECT_EQ(scene.components[1].name, "back \"left\"");
  EXPECT_EQ(scene.components[1].color.y(), written.colors[1][1].item<float>());
  ASSERT_EQ(scene.components[0].mesh.vertices.size(), 3U);
  ASSERT_EQ(scene.components[1].mesh.vertices.size(), 4U);
  EXPECT_EQ(scene.components[0].mesh.faces.size(), 1U);
  const std::array<int32_t, 3> first_of_second = {0, 1, 3};  // counted within the component
  EXPECT_EQ(scene.components[1].mesh.faces[0], first_of_second);
  for (int64_t v = 0; v < 4; ++v) {
    EXPECT_EQ(scene.components[1].mesh.vertices[v].z(), written.vertices[3 + v][2].item<float>());
  }
}

TEST_F(DatasetFiles, ADatasetIsNeverOverwritten) {
  write_dataset();
  const auto before = read_file(shard());
  EXPECT_THAT(refusal([&] {
                DatasetWriter writer(path(), {"", 2});
              }),
              AllOf(HasSubstr(path().string()), HasSubstr("exists already and is not overwritten"),
                    HasSubstr("Remove it or set another data.path")));
  EXPECT_EQ(read_file(shard()), before);
}

TEST_F(DatasetFiles, AnUnfinishedOneIsNoDatasetAndIsMadeAnew) {
  fs::create_directories(path());
  write_file(path() / "notes.txt", "the user's own");
  write_file(path() / "shard_00000.safetensors", "half");
  write_file(path() / "shard_00007.safetensors", "of a longer run that was killed");
  EXPECT_THAT(refusal_to_open(), HasSubstr("no prepared dataset at"));
  write_dataset();
  EXPECT_EQ(PreparedDataset(path()).records().size(), 2U);
  EXPECT_FALSE(fs::exists(path() / "shard_00007.safetensors"));
  EXPECT_TRUE(fs::exists(path() / "notes.txt"));
}

TEST_F(DatasetFiles, WhatWasNotSavedIsNoDataset) {
  {
    DatasetWriter writer(path(), {"", 2});
    writer.add(record_of("a", "train"), tensors_of(1));
  }
  EXPECT_THAT(refusal_to_open(), HasSubstr("(index.json is missing). Make one: moca prepare-data"));
}

TEST_F(DatasetFiles, WhatAKillLeftIsTakenInByTheSamePreparationAlone) {
  {
    DatasetWriter writer(path(), {"settings: 1\n", 2, "files"});
    writer.add(record_of("a", "train"), tensors_of(1));
  }  // killed: nothing was saved
  for (const DatasetOrigin& other :
       {DatasetOrigin{"settings: 2\n", 2, "files"}, DatasetOrigin{"settings: 1\n", 2, "others"}}) {
    EXPECT_FALSE(DatasetWriter(path(), other).restore_next());
  }
  DatasetWriter writer(path(), {"settings: 1\n", 2, "files"});
  EXPECT_TRUE(writer.restore_next());
  EXPECT_FALSE(writer.restore_next());
  writer.add(record_of("b", "test"), tensors_of(2));
  writer.save();
  const PreparedDataset dataset(path());
  ASSERT_EQ(dataset.records().size(), 2U);
  EXPECT_EQ(dataset.records()[0].source, record_of("a", "train").source);
  EXPECT_EQ(dataset.image_size(), 4);
  EXPECT_TRUE(bit_equal(dataset.surface(0, 1).points, tensors_of(1).surface_points[1]));
  EXPECT_EQ(std::distance(fs::directory_iterator(path()), {}), 2) << "files of single assets stay";
  const auto index = read_file(path() / "index.json");
  fs::remove_all(path());
  DatasetWriter whole(path(), {"settings: 1\n", 2, "files"});
  whole.add(record_of("a", "train"), tensors_of(1));
  whole.add(record_of("b", "test"), tensors_of(2));
  whole.save();
  EXPECT_EQ(read_file(path() / "index.json"), index) << "the kill changed the dataset";
}

TEST_F(DatasetFiles, OneThatWasEndedIsRefusedAndGoneOnWithToTheSameTensors) {
  {
    DatasetWriter writer(path(), {"settings: 1\n", 3});
    writer.add(record_of("a", "train"), tensors_of(1));
    writer.leave_out("x.glb is no mesh");
    writer.save();
  }
  write_file(path() / "shard_00001.safetensors", "half");
  EXPECT_THAT(refusal_to_open(), HasSubstr("is not finished: 2 of 3 assets. Go on with it: moca "
                                           "prepare-data CONFIG"));
  EXPECT_THAT(refusal([&] {
                DatasetWriter writer(path(), {"settings: 2\n", 3});
              }),
              AllOf(HasSubstr("begun with other settings or other files"), HasSubstr("Remove it")));
  EXPECT_THAT(refusal([&] {
                DatasetWriter writer(path(), {"settings: 1\n", 4});
              }),
              HasSubstr("(3 assets, now 4)"));
  {
    DatasetWriter writer(path(), {"settings: 1\n", 3});
    EXPECT_EQ(writer.next(), 2);
    EXPECT_EQ(writer.num_left_out(), 1);
    writer.add(record_of("b", "test"), tensors_of(2));
    writer.save();
  }
  const PreparedDataset dataset(path());
  ASSERT_EQ(dataset.records().size(), 2U);
  EXPECT_TRUE(bit_equal(dataset.surface(0, 1).points, tensors_of(1).surface_points[1]));
  EXPECT_TRUE(bit_equal(dataset.surface(1, 1).points, tensors_of(2).surface_points[1]));
  EXPECT_THAT(read_file(path() / "index.json"), HasSubstr("x.glb is no mesh"));
}

TEST_F(DatasetFiles, OneOfAFolderWhoseNameIsNoUtf8IsGoneOnWith) {
  for (int round = 0; round < 2; ++round) {
    DatasetWriter writer(path(), {"path: caf\xe9\n", 2});
    EXPECT_EQ(writer.next(), round);
    writer.add(record_of(round == 0 ? "a" : "b", "train"), tensors_of(1));
    writer.save();
  }
  EXPECT_EQ(PreparedDataset(path()).records().size(), 2U);
}

TEST_F(DatasetFiles, AShardThatWasChangedOrCutOffIsRefused) {
  write_dataset();
  const auto bytes = read_file(shard());
  auto changed = bytes;
  changed[changed.size() - 5] ^= 1;
  write_file(shard(), changed);
  fs::last_write_time(shard(),
                      fs::last_write_time(path() / "index.json") + std::chrono::seconds(1));
  EXPECT_THAT(refusal_to_open(), AllOf(HasSubstr("shard_00000.safetensors has another checksum"),
                                       HasSubstr("Copy it again, or prepare")));
  write_file(shard(), bytes.substr(0, bytes.size() - 1));
  EXPECT_THAT(refusal_to_open(), HasSubstr("but index.json says otherwise"));
  fs::last_write_time(shard(),  // as some copies keep it
                      fs::last_write_time(path() / "index.json") - std::chrono::hours(1));
  EXPECT_THAT(refusal_to_open(),
              HasSubstr("has " + std::to_string(bytes.size() - 1) + " bytes, but index.json"));
  write_file(shard(), bytes);  // as a copy of the folder has it
  EXPECT_EQ(PreparedDataset(path()).records().size(), 2U);
}

// By its index alone a dataset is told from one that was made anew.
TEST_F(DatasetFiles, TheIndexHoldsTheSumsOfTheShards) {
  const auto index_with = [&](uint64_t seed) {
    fs::remove_all(path());
    DatasetWriter writer(path(), {"", 1});
    writer.add(record_of("a", "train"), tensors_of(seed));
    writer.save();
    return read_file(path() / "index.json");
  };
  EXPECT_EQ(index_with(1), index_with(1));
  EXPECT_NE(index_with(1), index_with(2));
}

TEST_F(DatasetFiles, AFolderThatCannotBeMadeIsNamed) {
  write_file(path(), "a file where the folder should be");
  EXPECT_THAT(refusal([&] {
                DatasetWriter writer(path() / "inside", {"", 2});
              }),
              HasSubstr("cannot create the folder " + (path() / "inside").string()));
}

TEST_F(DatasetFiles, AnotherSchemaVersionIsRefused) {
  for (const char* other : {"0", "1", "99"}) {
    fs::remove_all(path());
    write_dataset();
    replace_in_index("\"schema_version\": 2", std::string("\"schema_version\": ") + other);
    EXPECT_THAT(refusal_to_open(),
                HasSubstr(std::string("schema version ") + other +
                          ", this program reads version 2. Prepare it again: moca prepare-data"));
  }
}

TEST_F(DatasetFiles, AnIndexThatIsNoneIsRefused) {
  for (const auto& [text, mistake] :
       {std::pair("", "not an index of a prepared dataset"),
        std::pair("not json", "not an index of a prepared dataset"),
        std::pair("[]", "the whole file must be an object, got []"),
        std::pair("{}", "schema_version is missing"),
        std::pair("{\"schema_version\": 2, \"image_size\": 4, \"made_by\": \"\"}",
                  "assets is missing")}) {
    fs::create_directories(path());
    write_file(path() / "index.json", text);
    EXPECT_THAT(refusal_to_open(), AllOf(HasSubstr("index.json"), HasSubstr(mistake))) << text;
  }
}

TEST_F(DatasetFiles, ADamagedValueIsNamedWithItsPlace) {
  for (const auto& [from, to, mistake] :
       {std::tuple("\"components\"", "\"parts\"", "assets[0].components is missing"),
        std::tuple("\"schema_version\": 2", "\"schema_version\": \"two\"",
                   "schema_version must be a whole number from 0 to 1048576, got \"two\""),
        std::tuple(
            "\"split\": \"train\"", "\"split\": \"tr/ain\"",
            "assets[0].split must be a name without '/' and control characters, got \"tr/ain\""),
        std::tuple("\"shard_00000.safetensors\"", "\"../shard_00000.safetensors\"",
                   "assets[0].shard must be a name without '/'"),
        std::tuple("\"sha256\": \"", "\"sha256\": 7, \"was\": \"",
                   "assets[0].sha256 must be a text, got 7"),
        std::tuple("\"image_size\": ", "\"image_size\": -",
                   "image_size must be a whole number from 0 to 65536, got -")}) {
    fs::remove_all(path());
    write_dataset();
    replace_in_index(from, to);
    EXPECT_THAT(refusal_to_open(), AllOf(HasSubstr("index.json: "), HasSubstr(mistake)));
  }
}

TEST_F(DatasetFiles, ADatasetWithoutAssetsIsRefused) {
  DatasetWriter(path(), {"", 0}).save();
  EXPECT_THAT(refusal_to_open(), HasSubstr("holds no asset. Prepare it again"));
}

TEST_F(DatasetFiles, AMissingOrTruncatedShardIsRefusedAtOnce) {
  write_dataset();
  fs::resize_file(shard(), fs::file_size(shard()) - 1);
  EXPECT_THAT(refusal_to_open(), HasSubstr("shard_00000.safetensors"));
  fs::remove(shard());
  EXPECT_THAT(refusal_to_open(), HasSubstr("shard_00000.safetensors"));
}

TEST_F(DatasetFiles, AShardWithoutTheAssetIsRefusedByName) {
  write_dataset();
  replace_in_index("\"id\": \"a\"", "\"id\": \"c\"");
  const PreparedDataset dataset(path());
  EXPECT_THAT(refusal([&] { dataset.surface(0, 0); }), HasSubstr("'c/surface_points'"));
}

}  // namespace
}  // namespace moca::data
