// Datasets of a folder of meshes: what becomes of good files, and what is said of bad ones.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <tuple>

#include "moca/core/file_io.h"
#include "moca/data/asset_source.h"
#include "moca/data/prepared_dataset.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"
#include "tests/mesh/shapes.h"
#include "tests/support/refusal.h"
#include "tests/support/shared_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"

namespace moca::data {
namespace {

namespace fs = std::filesystem;
using testing::all_close;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::refusal;

// A folder of meshes and the settings of a dataset of them.
class MeshFolder : public ::testing::Test {
 protected:
  MeshFolder() {
    fs::create_directories(meshes());
    config_ = testing::tiny_data_config(folder_);
    config::set(config_, {"source=meshes", "meshes.folder=" + meshes().string(),
                          "meshes.watertight_resolution=32"});
    config_.num_held_out = 0;
    config_.views.image_size = 32;
    config_.views.azimuths = {0};
    config_.views.elevations = {0};
  }

  fs::path meshes() const { return folder_ / "meshes"; }

  void add_obj(const std::string& name, const std::string& text) const {
    fs::create_directories((meshes() / name).parent_path());
    write_file(meshes() / name, text);
  }
  void add_tetrahedron(const std::string& name) const { add_obj(name, kTetrahedron); }

  // What preparing says; it must leave no dataset behind.
  std::string refusal_to_prepare() const {
    const auto message = refusal([&] { prepare_dataset(config_, ""); });
    EXPECT_FALSE(fs::exists(fs::path(config_.path) / "index.json")) << message;
    return message;
  }

  static constexpr const char* kTetrahedron =
      "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n";

  testing::TemporaryFolder folder_;
  DataConfig config_;
};

struct NamedBox {
  const char* name;
  mesh::Vec3 low;
  mesh::Vec3 high;
  mesh::Vec3 color;
};

// Two boxes side by side that together fill [-1, 1] along X, so that preparing does not move them.
const std::array<NamedBox, 2> kBoxes = {
    NamedBox{"left", {-1, -0.5F, -0.5F}, {-0.2F, 0.5F, 0.5F}, {0.9F, 0.1F, 0.1F}},
    NamedBox{"right", {0.2F, -0.5F, -0.25F}, {1, 0.25F, 0.25F}, {0.1F, 0.1F, 0.9F}}};

// Positive inside.
at::Tensor distance_to_box(const NamedBox& box, const at::Tensor& points) {
  const auto tensor = [](const mesh::Vec3& v) { return at::tensor({v.x(), v.y(), v.z()}); };
  const auto center = 0.5 * (tensor(box.low) + tensor(box.high));
  const auto beyond = (points - center).abs() - 0.5 * (tensor(box.high) - tensor(box.low));
  return -(beyond.clamp_min(0).norm(2, -1) + std::get<0>(beyond.max(-1)).clamp_max(0));
}

class TwoBoxes : public MeshFolder {
 protected:
  TwoBoxes() {
    mesh::Scene scene;
    for (const auto& box : kBoxes) {
      scene.components.push_back({box.name, testing::box(box.low, box.high), box.color});
    }
    mesh::write_glb(meshes() / "boxes.glb", scene);
    dataset_ = testing::prepared(config_);
  }

  at::Tensor stored(const std::string& name) const {
    const auto& record = dataset_->records()[0];
    const checkpoint::SafetensorsFile shard(fs::path(config_.path) / record.shard);
    return shard.read(record.id + "/" + name);
  }

  std::shared_ptr<const PreparedDataset> dataset_;
};

TEST_F(TwoBoxes, EveryNodeBecomesAComponentWithItsNameColourAndMesh) {
  EXPECT_THAT(dataset_->records()[0].component_names, ElementsAre("left", "right"));
  const auto reference = dataset_->reference(0);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(reference.components[i].name, kBoxes[i].name);
    EXPECT_LT((reference.components[i].color - kBoxes[i].color).norm(), 1e-6);
    const auto box = mesh::bounds(reference.components[i].mesh);
    EXPECT_LT((box.low - kBoxes[i].low).norm() + (box.high - kBoxes[i].high).norm(), 1e-6);
  }
}

TEST_F(TwoBoxes, EveryQueryHasTheSignedDistanceOfItsOwnBox) {
  for (int64_t i = 0; i < 2; ++i) {
    const auto queries = dataset_->queries(0, i);
    EXPECT_TRUE(all_close(queries.distances, distance_to_box(kBoxes[i], queries.points), 1e-5));
    EXPECT_TRUE((queries.distances > 0).any().item<bool>());
    EXPECT_TRUE((queries.distances < 0).any().item<bool>());
  }
}

TEST_F(TwoBoxes, SurfacePointsLieOnTheirBoxAndNormalsAreThoseOfTheFaces) {
  for (int64_t i = 0; i < 2; ++i) {
    const auto surface = dataset_->surface(0, i);
    EXPECT_LT(distance_to_box(kBoxes[i], surface.points).abs().max().item<double>(), 1e-6);
    // A step along the normal leads away from the box by the whole length of the step.
    EXPECT_TRUE(all_close(
        distance_to_box(kBoxes[i], surface.points + 0.1 * surface.normals),
        at::full({config_.num_surface_points}, -0.1, at::TensorOptions(at::kFloat)), 1e-5));
  }
}

TEST_F(TwoBoxes, IdMapsShowEachBoxWhereItIs) {
  const auto ids = stored("component_ids")[0];  // orthographic, a pixel is 2 * 1.35 / 32 wide
  const double pixel = 2 * 1.35 / 32;
  const auto count = [&](int64_t id) { return (ids == id).sum().item<double>(); };
  EXPECT_NEAR(count(1), 0.8 * 1.0 / (pixel * pixel), 12);  // within half a pixel of its outline
  EXPECT_NEAR(count(2), 0.8 * 0.75 / (pixel * pixel), 11);
  EXPECT_EQ(count(0) + count(1) + count(2), 32 * 32);
  EXPECT_FALSE((ids.narrow(1, 0, 16) == 2).any().item<bool>()) << "the right box on the left";
  EXPECT_FALSE((ids.narrow(1, 16, 16) == 1).any().item<bool>()) << "the left box on the right";
  // The right box ends at y = 0.25, above which only the left one is left.
  EXPECT_FALSE((ids.narrow(0, 0, 12) == 2).any().item<bool>());
  EXPECT_TRUE((ids.narrow(0, 0, 12) == 1).any().item<bool>());
}

TEST_F(TwoBoxes, ImagesHaveTheComponentsColoursOnWhite) {
  const auto ids = stored("component_ids")[0];
  const auto image = dataset_->image(0, 0).to(at::kInt);
  const auto red = image.select(2, 0);
  const auto blue = image.select(2, 2);
  EXPECT_TRUE((red > blue + 60).masked_select(ids == 1).all().item<bool>());
  EXPECT_TRUE((blue > red + 60).masked_select(ids == 2).all().item<bool>());
  const auto seen_nearby =
      at::max_pool2d((ids > 0).to(at::kFloat).unsqueeze(0), {3, 3}, {1, 1}, {1, 1})[0] > 0;
  EXPECT_TRUE((image == 255).masked_select(~seen_nearby.unsqueeze(2)).all().item<bool>());
}

TEST_F(MeshFolder, ScalesTheWholeAssetToTheLongestSideAskedFor) {
  add_tetrahedron("a.obj");
  config::set(config_, {"meshes.longest_side=1.2"});
  const auto box = mesh::bounds(testing::prepared(config_)->reference(0));
  EXPECT_NEAR((box.high - box.low).maxCoeff(), 1.2, 1e-6);
  EXPECT_LT((box.high + box.low).norm(), 1e-6);
}

TEST_F(MeshFolder, RecordsWhereAnAssetCameFrom) {
  add_tetrahedron("chairs/office.obj");
  const auto dataset = testing::prepared(config_);
  const auto& record = dataset->records()[0];
  EXPECT_EQ(record.id, "chairs_office");
  EXPECT_EQ(record.source, (meshes() / "chairs/office.obj").string());
  // sha256sum of the same bytes.
  EXPECT_EQ(record.sha256, "b391f08159e507ad3a0fa80558bdb046e150e38868378c9972072d54ad65f858");
}

TEST_F(MeshFolder, FindsFilesOfEveryFormatInEveryFolderAndLeavesOthersAlone) {
  const auto box = testing::cube(0.5F);
  mesh::write_mesh(meshes() / "a.glb", box);
  mesh::write_mesh(meshes() / "b.ply", box);
  add_tetrahedron("deep/down/c.obj");
  add_tetrahedron("SHOUTED.OBJ");
  write_file(meshes() / "readme.txt", "not a mesh");
  std::set<std::string> ids;
  const auto dataset = testing::prepared(config_);
  for (const auto& record : dataset->records()) {
    ids.insert(record.id);
  }
  EXPECT_THAT(ids, ElementsAre("SHOUTED", "a", "b", "deep_down_c"));
}

TEST_F(MeshFolder, ClosesAMeshThatIsInsideOut) {
  auto inverted = testing::cube(1.0F);
  testing::flip_faces(inverted);
  mesh::write_mesh(meshes() / "inverted.ply", inverted);
  config_.num_query_points = 256;
  const auto queries = testing::prepared(config_)->queries(0, 0);
  const NamedBox cube = {"", mesh::Vec3::Constant(-1), mesh::Vec3::Constant(1), mesh::Vec3::Zero()};
  const double voxel = 2.0 / 32;
  EXPECT_TRUE(all_close(queries.distances, distance_to_box(cube, queries.points), 2 * voxel));
}

TEST_F(MeshFolder, KeepsAnOpenMeshAsItIsForTheReference) {
  auto open = testing::cube(1.0F);
  open.faces.resize(10);
  mesh::write_mesh(meshes() / "open.ply", open);
  const auto dataset = testing::prepared(config_);
  EXPECT_EQ(dataset->reference(0).components[0].mesh.faces, open.faces);
  EXPECT_TRUE((dataset->queries(0, 0).distances > 0).any().item<bool>()) << "nothing is inside";
}

TEST_F(MeshFolder, ComponentsAreNodesOrPrimitivesAsTheConfigSays) {
  const auto box = testing::cube(1.0F);  // its 12 faces as two primitives of one node
  std::string buffer(reinterpret_cast<const char*>(box.vertices.data()), 96);
  write_file(meshes() / "box.bin",
             buffer.append(reinterpret_cast<const char*>(box.faces.data()), 144));
  write_file(meshes() / "box.gltf", R"({"asset": {"version": "2.0"}, "scene": 0,
    "scenes": [{"nodes": [0]}], "nodes": [{"name": "box", "mesh": 0}],
    "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1},
                               {"attributes": {"POSITION": 0}, "indices": 2}]}],
    "accessors": [
      {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3",
       "min": [-1, -1, -1], "max": [1, 1, 1]},
      {"bufferView": 1, "componentType": 5125, "count": 18, "type": "SCALAR"},
      {"bufferView": 1, "byteOffset": 72, "componentType": 5125, "count": 18, "type": "SCALAR"}],
    "bufferViews": [{"buffer": 0, "byteLength": 96},
                    {"buffer": 0, "byteOffset": 96, "byteLength": 144}],
    "buffers": [{"uri": "box.bin", "byteLength": 240}]})");
  EXPECT_EQ(testing::prepared(config_)->records()[0].num_components(), 1);
  config_.path = folder_ / "primitives";
  config::set(config_, {"meshes.component_rule=primitive"});
  EXPECT_EQ(testing::prepared(config_)->records()[0].num_components(), 2);
}

TEST_F(MeshFolder, TheSplitIsFixedByTheSeed) {
  for (const char* name : {"a.obj", "b.obj", "c.obj", "d.obj", "e.obj", "f.obj"}) {
    add_tetrahedron(name);
  }
  config_.num_held_out = 2;
  const auto held_out = [&](int64_t seed, const std::string& name) {
    config_.seed = seed;
    config_.path = folder_ / name;
    const auto dataset = testing::prepared(config_);
    EXPECT_EQ(dataset->indices_of("train").size(), 4U);
    return dataset->indices_of("test");
  };
  std::set<std::vector<int64_t>> splits;
  for (const int64_t seed : {0, 1, 2}) {
    const auto split = held_out(seed, "once_" + std::to_string(seed));
    EXPECT_EQ(split.size(), 2U);
    EXPECT_EQ(held_out(seed, "again_" + std::to_string(seed)), split);
    splits.insert(split);
  }
  EXPECT_GT(splits.size(), 1U) << "every seed holds out the same assets";
}

TEST_F(MeshFolder, AnAddedFileMovesNoOtherIntoTraining) {
  const auto held_out = [&] {
    std::set<std::string> ids;
    for (const auto& entry : open_source(config_).entries) {
      if (entry.split == "test") {
        ids.insert(entry.id);
      }
    }
    return ids;
  };
  for (const char* name : {"b", "d", "f", "h", "j", "l"}) {
    add_tetrahedron(std::string(name) + ".obj");
  }
  config_.num_held_out = 3;
  const auto before = held_out();
  int num_joined = 0;
  for (const std::string added : {"a", "c", "e", "g", "i", "k"}) {
    add_tetrahedron(added + ".obj");
    const auto after = held_out();
    std::vector<std::string> left;
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(left));
    EXPECT_EQ(left.size(), after.count(added)) << "only the added file can take another's place";
    num_joined += static_cast<int>(after.count(added));
    fs::remove(meshes() / (added + ".obj"));
  }
  EXPECT_GT(num_joined, 0) << "an added file is never held out";
}

TEST_F(MeshFolder, AnAddedFileLeavesTheDataOfTheOthersAsTheyWere) {
  add_tetrahedron("b.obj");
  add_tetrahedron("c.obj");
  const auto before = testing::prepared(config_);
  add_tetrahedron("a.obj");
  config_.path = folder_ / "again";
  const auto after = testing::prepared(config_);
  for (int64_t asset = 0; asset < 2; ++asset) {
    EXPECT_EQ(after->records()[asset + 1].id, before->records()[asset].id);
    EXPECT_EQ(after->records()[asset + 1].stream, before->records()[asset].stream);
    EXPECT_TRUE(at::equal(after->surface(asset + 1, 0).points, before->surface(asset, 0).points));
    EXPECT_TRUE(at::equal(after->queries(asset + 1, 0).points, before->queries(asset, 0).points));
  }
  EXPECT_FALSE(at::equal(before->surface(0, 0).points, before->surface(1, 0).points));
}

TEST_F(MeshFolder, HoldingOutEveryAssetIsRefused) {
  add_tetrahedron("a.obj");
  config_.num_held_out = 1;
  EXPECT_THAT(refusal_to_prepare(), HasSubstr("data.num_held_out (1) leaves none of 1 assets"));
}

TEST_F(MeshFolder, MoreComponentsThanAllowedAreRefused) {
  mesh::Scene scene;
  for (int i = 0; i < 3; ++i) {
    scene.components.push_back({"box_" + std::to_string(i), testing::cube(1.0F)});
  }
  mesh::write_glb(meshes() / "three.glb", scene);
  config_.max_components = 2;
  EXPECT_THAT(refusal_to_prepare(),
              HasSubstr("three.glb has 3 components, data.max_components allows 2"));
  config_.max_components = 3;
  EXPECT_EQ(testing::prepared(config_)->records()[0].num_components(), 3);
}

TEST_F(MeshFolder, TwoFilesThatWouldBeOneAssetAreRefused) {
  add_tetrahedron("chair.obj");
  mesh::write_mesh(meshes() / "chair.ply", testing::cube(1.0F));
  EXPECT_THAT(refusal_to_prepare(), AllOf(HasSubstr("chair.obj"), HasSubstr("chair.ply"),
                                          HasSubstr("would both be the asset 'chair'")));
}

TEST_F(MeshFolder, AFolderWithoutMeshesIsRefused) {
  EXPECT_THAT(refusal_to_prepare(), HasSubstr("holds no .glb, .gltf, .obj, .ply or .stl file"));
  config::set(config_, {"meshes.folder=" + (folder_ / "nowhere").string()});
  EXPECT_THAT(refusal_to_prepare(), HasSubstr("data.meshes.folder: no folder at"));
  EXPECT_FALSE(fs::exists(config_.path)) << "a refused config left a folder behind";
}

TEST_F(MeshFolder, AMeshThatCannotBeUsedIsNamed) {
  const std::string far = "v 0 0 0\nv 3e38 0 0\nv -3e38 1 0\nf 1 2 3\n";
  const std::vector<std::tuple<const char*, std::string, const char*>> bad_files = {
      {"broken.glb", "not a mesh", "does not begin like a GLB"},
      {"empty.obj", "", "it is empty"},
      {"points.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"},
      {"collinear.obj", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "have no area"},
      {"not_a_number.ply",
       "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
       "property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
       "0 0 0\nnan 0 0\n0 1 0\n3 0 1 2\n",
       "not a number"},
      {"far.obj", far, "longest side is inf"}};
  for (const auto& [name, text, reason] : bad_files) {
    write_file(meshes() / name, text);
    EXPECT_THAT(refusal_to_prepare(), AllOf(HasSubstr(name), HasSubstr(reason)));
    fs::remove(meshes() / name);
  }
}

TEST_F(MeshFolder, ABadFileAmongGoodOnesIsLeftOutWithItsReason) {
  add_tetrahedron("a.obj");
  write_file(meshes() / "b.glb", "not a mesh");
  add_tetrahedron("c.obj");
  const auto dataset = testing::prepared(config_);
  ASSERT_EQ(dataset->records().size(), 2U);
  EXPECT_EQ(dataset->records()[1].id, "c");
  const auto index = read_file(fs::path(config_.path) / "index.json");
  EXPECT_THAT(index, AllOf(HasSubstr("left_out"), HasSubstr("b.glb: it does not begin like")));
}

TEST_F(MeshFolder, HiddenFilesAreNotReadAndLinkedFoldersAre) {
  add_tetrahedron("chair.obj");
  write_file(meshes() / "._chair.glb", "macOS writes such files");
  fs::create_directory(folder_ / "elsewhere");
  fs::copy(meshes() / "chair.obj", folder_ / "elsewhere" / "table.obj");
  fs::create_directory_symlink(folder_ / "elsewhere", meshes() / "linked");
  fs::create_directory_symlink(meshes(), folder_ / "elsewhere" / "back");  // a circle
  fs::create_symlink("itself", meshes() / "itself");
  const auto dataset = testing::prepared(config_);
  ASSERT_EQ(dataset->records().size(), 2U);
  EXPECT_EQ(dataset->records()[1].id, "linked_table");
}

TEST_F(MeshFolder, FileNamesThatAreNotUtf8BecomeIt) {
  add_tetrahedron("st\xFChl.obj");
  const auto dataset = testing::prepared(config_);
  EXPECT_EQ(dataset->records()[0].id, "st\xC3\xBChl");
  EXPECT_EQ(dataset->records()[0].component_names[0], "st\xC3\xBChl");
}

TEST_F(MeshFolder, PreparesARealObjectWithItsComponents) {
  const auto object = testing::shared_folder() / "data/objects/kk_chair_a.glb";
  if (!fs::exists(object)) {
    GTEST_SKIP() << "no mesh at " << object;
  }
  fs::copy(object, meshes() / "chair.glb");
  const auto dataset = testing::prepared(config_);
  EXPECT_EQ(dataset->records()[0].id, "chair");
  EXPECT_EQ(dataset->records()[0].num_components(),
            static_cast<int64_t>(mesh::read_scene(object).components.size()));
  const auto box = mesh::bounds(dataset->reference(0));
  EXPECT_NEAR((box.high - box.low).maxCoeff(), 2.0, 1e-5);
}

}  // namespace
}  // namespace moca::data
