#include "moca/experiment/asset_scenes.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "moca/config/schema.h"
#include "moca/core/file_io.h"
#include "moca/evaluation/metric.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"
#include "tests/mesh/shapes.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_dataset.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::refusal;

data::AssetRecord record_with_views(const std::string& id, size_t num_views) {
  data::AssetRecord record;
  record.id = id;
  record.views.resize(num_views);
  return record;
}

TEST(ViewsOf, IsTheFixedOneOrEveryOne) {
  const auto record = record_with_views("chair", 3);
  EvaluationConfig config;
  config.view = ViewRule::kFixed;
  config.view_index = 2;
  EXPECT_THAT(views_of(config, record), ElementsAre(2));
  config.view = ViewRule::kAll;
  EXPECT_THAT(views_of(config, record), ElementsAre(0, 1, 2));
}

TEST(ViewsOf, DrawsOneViewPerAssetFromTheSeedAndTheId) {
  EvaluationConfig config;
  config.view = ViewRule::kRandom;
  std::vector<int64_t> drawn, drawn_again, of_other_seed;
  for (int i = 0; i < 60; ++i) {
    const auto views = views_of(config, record_with_views("asset_" + std::to_string(i), 3));
    ASSERT_EQ(views.size(), 1U);
    drawn.push_back(views.front());
  }
  config.seed = 1;
  for (int i = 0; i < 60; ++i) {
    const auto record = record_with_views("asset_" + std::to_string(i), 3);
    of_other_seed.push_back(views_of(config, record).front());
  }
  config.seed = 0;
  for (int i = 0; i < 60; ++i) {
    const auto record = record_with_views("asset_" + std::to_string(i), 3);
    drawn_again.push_back(views_of(config, record).front());
  }
  EXPECT_EQ(drawn, drawn_again);
  EXPECT_NE(drawn, of_other_seed);
  EXPECT_EQ(std::set(drawn.begin(), drawn.end()), (std::set<int64_t>{0, 1, 2}));
}

TEST(ViewsOf, RefusesAFixedViewThatTheAssetLacks) {
  EvaluationConfig config;
  config.view = ViewRule::kFixed;
  config.view_index = 2;
  EXPECT_THAT(refusal([&] { views_of(config, record_with_views("chair", 2)); }),
              AllOf(HasSubstr("evaluation.view_index is 2"), HasSubstr("asset chair"),
                    HasSubstr("views 0 to 1")));
  config.view = ViewRule::kRandom;
  EXPECT_THAT(refusal([&] { views_of(config, record_with_views("chair", 0)); }),
              HasSubstr("asset chair of the dataset has no image"));
}

TEST(GenerationSeed, IsTheAssetsOwn) {
  EvaluationConfig config;
  const auto seed = generation_seed(config, record_with_views("chair", 1));
  EXPECT_EQ(generation_seed(config, record_with_views("chair", 2)), seed);
  EXPECT_NE(generation_seed(config, record_with_views("table", 1)), seed);
  config.seed = 1;
  EXPECT_NE(generation_seed(config, record_with_views("chair", 1)), seed);
}

mesh::Scene extracted(const mesh::Scene& reference) {
  data::DataConfig data;
  config::set(data, {"source=meshes", "meshes.watertight_resolution=16"});
  vae::DecoderConfig decoder;
  decoder.resolution = 33;
  decoder.coarse_resolution = 17;
  return exact_field_scene(reference, data, training::VaeTrainingConfig().truncation, decoder);
}

TEST(ExactFieldScene, FindsABoxToWithinTheLatticeAndLosesWhatIsThinner) {
  const mesh::Scene reference = {
      {{"box", testing::cube(0.7F), mesh::Vec3(1, 0, 0)},
       {"needle", testing::box({0.01F, 0.8F, 0.01F}, {0.02F, 0.9F, 0.02F}), {}}}};
  const auto scene = extracted(reference);
  ASSERT_EQ(scene.components.size(), 2U);
  EXPECT_EQ(scene.components[0].name, "box");
  EXPECT_EQ(scene.components[0].color, mesh::Vec3(1, 0, 0));
  EXPECT_TRUE(scene.components[1].mesh.empty());
  const auto& box = scene.components[0].mesh;
  EXPECT_NEAR(mesh::signed_volume(box), 1.4 * 1.4 * 1.4, 0.02);
  EXPECT_TRUE(mesh::bounds(box).high.isApprox(mesh::Vec3::Constant(0.7F), 1e-3F));
}

TEST(ExactFieldScene, ClosesAnOpenSurfaceAsDataPreparationDoes) {
  const mesh::Scene reference = {{{"sheet", testing::square(0.1F), {}}}};
  const auto scene = extracted(reference);
  const auto& sheet = scene.components.at(0).mesh;
  ASSERT_FALSE(sheet.empty());
  const auto box = mesh::bounds(sheet);
  EXPECT_NEAR(box.low.y(), 0.1 - 2.0 / 16, 0.01) << "one voxel below";
  EXPECT_NEAR(box.high.y(), 0.1 + 2.0 / 16, 0.01) << "one voxel above";
}

TEST(WriteAsset, WritesTheAssetAndEachComponentInThreeFormats) {
  const testing::TemporaryFolder folder;
  const auto box = testing::cube(0.5F);
  write_asset(folder / "a", {{{"component_00", box, mesh::Vec3(1, 0, 0)},
                              {"component_01", testing::cube(0.25F), mesh::Vec3(0, 1, 0)}}});
  const auto asset = mesh::read_scene(folder / "a/asset.glb");
  ASSERT_EQ(asset.components.size(), 2U);
  EXPECT_EQ(asset.components[1].name, "component_01");
  EXPECT_EQ(asset.components[1].color, mesh::Vec3(0, 1, 0));
  for (const char* extension : {".glb", ".ply", ".obj"}) {
    const auto file = folder / ("a/component_00" + std::string(extension));
    EXPECT_EQ(mesh::read_scene(file).components.at(0).mesh.vertices.size(), 8U) << file;
  }
}

TEST(WriteAsset, KeepsThePlaceOfAComponentWithoutSurface) {
  const testing::TemporaryFolder folder;
  write_asset(folder / "a", {{{"component_00", {}, mesh::Vec3::Zero()},
                              {"component_01", testing::cube(0.25F), mesh::Vec3::Zero()}}});
  EXPECT_FALSE(fs::exists(folder / "a/component_00.ply"));
  EXPECT_TRUE(fs::exists(folder / "a/component_01.ply"));
  EXPECT_THAT(read_file(folder / "a/asset.glb"), HasSubstr("component_00"));
}

// What `evaluate` scores is the scene that it writes; `moca metrics` reads the file.
TEST(WriteAsset, WritesWhatTheMetricsCountLikeTheSceneItself) {
  const testing::TemporaryFolder folder;
  const mesh::Scene reference = {
      {{"a", testing::cube(0.7F), {}},
       {"needle", testing::box({0.01F, 0.8F, 0.01F}, {0.02F, 0.9F, 0.02F}), {}},
       {"b", testing::box({0.1F, -0.6F, -0.6F}, {0.9F, 0.6F, 0.6F}), {}}}};
  const auto generated = extracted(reference);
  ASSERT_TRUE(generated.components[1].mesh.empty());
  mesh::Scene nothing = generated;
  for (auto& component : nothing.components) {
    component.mesh = {};
  }
  evaluation::MetricConfig config;
  config.num_points = 5000;
  for (const auto& scene : {generated, nothing}) {
    write_asset(folder / "a", scene);
    const auto written = mesh::read_scene_with_empty(folder / "a/asset.glb");
    ASSERT_EQ(written.components.size(), 3U);
    EXPECT_EQ(written.components[1].name, "needle");
    const auto expected = evaluation::compare_scenes(scene, reference, config);
    const auto scores = evaluation::compare_scenes(written, reference, config);
    ASSERT_EQ(scores.size(), expected.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      EXPECT_EQ(scores[i].value, expected[i].value) << scores[i].name;
    }
  }
}

// Tells of an asset which one it is and from where it is seen.
class Place : public generation::Conditioner {
 public:
  std::string name() const override { return "place"; }
  dit::DitSizes::ConditionSize size() const override { return {1, 2, dit::ConditionScope::kAsset}; }
  at::Tensor input(const data::PreparedDataset&, int64_t asset, int64_t view) const override {
    return at::tensor({asset, view}, at::kFloat).view({1, 2});
  }
  at::Tensor input(const generation::Request& request) const override {
    return request.inputs.at(name());
  }
  dit::Condition condition(const at::Tensor& inputs, const at::Tensor&) override {
    return {.name = name(), .scope = dit::ConditionScope::kAsset, .tokens = inputs};
  }
  double flops(int64_t, int64_t) const override { return 0; }
};

TEST(RequestOf, GivesAFurtherConditionWhatItKnowsOfTheAsset) {
  const testing::TemporaryFolder folder;
  const auto dataset = testing::prepared(testing::tiny_data_config(folder));
  const auto conditioner = std::make_shared<Place>();
  const auto request = request_of(*dataset, 2, 1, 7, {conditioner});
  EXPECT_EQ(request.num_components, dataset->records()[2].num_components());
  EXPECT_TRUE(at::equal(conditioner->input(request), conditioner->input(*dataset, 2, 1)));
  EXPECT_TRUE(request_of(*dataset, 2, 1, 7, {}).inputs.empty());
}

}  // namespace
}  // namespace moca::experiment
