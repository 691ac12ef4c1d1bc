// The evaluation with a model whose scenes are known, so that every score follows from a formula.
#include "src/experiment/evaluate_model.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/module_state.h"
#include "moca/checkpoint/weights.h"
#include "moca/core/file_io.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/evaluate_run.h"
#include "moca/experiment/models.h"
#include "moca/image/image_io.h"
#include "src/experiment/model_description.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/mesh/shapes.h"
#include "tests/support/refusal.h"
#include "tests/support/scores.h"

namespace moca::experiment {
namespace {

using evaluation::value_of;
using mesh::Vec3;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::refusal;

// An asset of two specks at (+-half_side, height, 0): between two such assets, or an asset and its
// moved copy, every point is equally far from the other.
struct Specks {
  std::string id;
  std::string split;
  float half_side;
  float height;
};

const std::vector<Specks> kAssets = {{"a", "train", 0.95F, 0.0F},
                                     {"b", "train", 0.5F, 0.3F},
                                     {"c", "train", 0.8F, -0.1F},
                                     {"d", "test", 0.6F, 0.2F}};
constexpr int64_t kNumViews = 2;

mesh::Scene scene_of(const Specks& asset, float lift) {
  const Vec3 corner = Vec3::Constant(1e-5F);
  mesh::Scene scene;
  for (const float side : {-1.0F, 1.0F}) {
    const Vec3 at(side * asset.half_side, asset.height + lift, 0);
    scene.components.push_back(
        {side < 0 ? "left" : "right", testing::box(at - corner, at + corner), Vec3::Ones()});
  }
  return scene;
}

// How far the stub lifts what it generates from a view of an asset, as numbered in kAssets.
float lift_of(int64_t asset, int64_t view) {
  return 0.01F * static_cast<float>(asset + 1) + 0.1F * static_cast<float>(view);
}

// The Chamfer distance of asset i, lifted, in the frame of asset j.
double chamfer_of(int64_t i, int64_t j, double lift) {
  const double aside = kAssets[i].half_side - kAssets[j].half_side;
  const double up = kAssets[i].height + lift - kAssets[j].height;
  return 2 * std::hypot(aside, up) / kAssets[j].half_side;
}

// An image that tells its asset and view.
uint8_t mark_of(int64_t asset, int64_t view) { return static_cast<uint8_t>(10 * asset + view + 1); }

data::AssetTensors tensors_of(int64_t asset) {
  data::AssetTensors tensors;
  tensors.surface_points = at::zeros({2, 4, 3});
  tensors.surface_normals = at::zeros({2, 4, 3});
  tensors.query_points = at::zeros({2, 4, 3});
  tensors.query_distances = at::zeros({2, 4});
  std::vector<at::Tensor> images, maps, vertices, faces;
  for (int64_t view = 0; view < kNumViews; ++view) {
    images.push_back(at::full({4, 4, 3}, mark_of(asset, view), at::kByte));
    maps.push_back(at::full({4, 4}, mark_of(asset, view) + 100, at::kByte));
  }
  tensors.images = at::stack(images);
  tensors.component_ids = at::stack(maps);
  for (const auto& component : scene_of(kAssets[asset], 0).components) {
    for (const auto& vertex : component.mesh.vertices) {
      vertices.push_back(at::tensor({vertex.x(), vertex.y(), vertex.z()}));
    }
    for (const auto& face : component.mesh.faces) {
      faces.push_back(at::tensor({face[0], face[1], face[2]}, at::kInt));
    }
  }
  tensors.vertices = at::stack(vertices);
  tensors.faces = at::stack(faces);
  tensors.mesh_sizes = at::tensor({8, 12, 8, 12}, at::kLong).view({2, 2});
  tensors.colors = at::ones({2, 3});
  return tensors;
}

class EvaluateModel : public ::testing::Test {
 protected:
  EvaluateModel() {
    at::set_num_threads(1);
    config_.decoder.resolution = 17;
    config_.decoder.coarse_resolution = 9;
    config_.evaluation.batch_size = 3;
    config_.evaluation.metrics.num_points = 50;
    config_.evaluation.view = ViewRule::kFixed;
    config_.evaluation.view_index = 1;
    model_.generate = [this](const auto& requests) { return generate(requests); };
    model_.reconstruct = [this](int64_t i) { return scene_of(kAssets[order_[i]], 0.02F); };
    model_.extract_exact_field = [this](const auto& reference) {
      return exact_field_scene(reference, config_.data, config_.vae_training.truncation,
                               config_.decoder);
    };
  }

  // Assets in the order of `order_`.
  EvaluationResult evaluated() {
    std::filesystem::remove_all(folder_ / "dataset");
    data::DatasetWriter writer(folder_ / "dataset", {"", std::ssize(order_)});
    for (const int64_t i : order_) {
      data::AssetRecord record;
      record.id = kAssets[i].id;
      record.split = kAssets[i].split;
      record.component_names = {"left", "right"};
      record.views.resize(kNumViews);
      record.views[1].azimuth = 90;
      record.views[1].elevation = 10;
      writer.add(record, tensors_of(i));
    }
    writer.save();
    const data::PreparedDataset dataset(folder_ / "dataset");
    std::filesystem::remove_all(folder_ / "out");
    return evaluate_model(model_, dataset, config_.evaluation, folder_ / "out");
  }

  std::vector<mesh::Scene> generate(const std::vector<generation::Request>& requests) {
    batch_sizes_.push_back(requests.size());
    std::vector<mesh::Scene> scenes;
    for (const auto& request : requests) {
      const int mark = request.image.pixels.front() - 1;
      EXPECT_EQ(request.component_map.pixels.front(), mark + 101) << "the map of another image";
      EXPECT_EQ(request.num_components, 2);
      seeds_[request.seed].insert(mark);
      scenes.push_back(scene_of(kAssets[mark / 10], lift_of(mark / 10, mark % 10)));
      if (mark / 10 == empty_in_) {
        scenes.back().components.back().mesh = {};
      }
    }
    return scenes;
  }

  testing::TemporaryFolder folder_;
  RunConfig config_;
  ScoredModel model_;
  std::vector<int64_t> order_ = {0, 1, 2, 3};
  int64_t empty_in_ = -1;                    // this asset lacks a component wherever it is made
  std::map<uint64_t, std::set<int>> seeds_;  // marks of the images that came with each
  std::vector<size_t> batch_sizes_;
};

constexpr double kTolerance = 2e-4;

TEST_F(EvaluateModel, ScoresEveryAssetAgainstItsOwnReferenceFromTheRightView) {
  const auto result = evaluated();
  ASSERT_EQ(result.assets.size(), 4U);
  for (int64_t i = 0; i < 4; ++i) {
    const auto& score = result.assets[i];
    SCOPED_TRACE(score.id);
    const double distance = lift_of(i, 1) / kAssets[i].half_side;
    EXPECT_NEAR(value_of(score.generated.scores, "chamfer"), 2 * distance, kTolerance);
    EXPECT_EQ(value_of(score.generated.scores, "f_score_0.1"), distance < 0.1 ? 1.0 : 0.0);
    EXPECT_EQ(value_of(score.generated.scores, "self_iou"), 0.0);
    ASSERT_EQ(score.views.size(), 1U);
    EXPECT_EQ(score.views[0].index, 1);
    EXPECT_EQ(score.views[0].azimuth, 90.0);
    EXPECT_EQ(score.views[0].elevation, 10.0);
  }
}

TEST_F(EvaluateModel, TheControlIsTheSameSceneAgainstTheNextAssetOfTheSplit) {
  const auto result = evaluated();
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t other = i == 3 ? 0 : (i + 1) % 3;  // the fourth is alone in its split
    EXPECT_EQ(result.assets[i].control_id, kAssets[other].id);
    EXPECT_EQ(result.assets[i].control.scores.size(), 3U) << "nothing of the scene by itself";
    EXPECT_NEAR(value_of(result.assets[i].control.scores, "chamfer"),
                chamfer_of(i, other, lift_of(i, 1)), kTolerance);
  }
}

TEST_F(EvaluateModel, TheOtherImageIsScoredAgainstWhatItShowsWithTheSeedOfTheAsset) {
  const auto result = evaluated();
  const data::PreparedDataset dataset(folder_ / "dataset");
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t other = i == 3 ? 0 : (i + 1) % 3;
    EXPECT_NEAR(value_of(result.assets[i].other_image.scores, "chamfer"),
                chamfer_of(other, other, lift_of(other, 1)), kTolerance);
    EXPECT_EQ(seeds_.at(generation_seed(config_.evaluation, dataset.records()[i])),
              (std::set<int>{mark_of(i, 1) - 1, mark_of(other, 1) - 1}));
  }
  EXPECT_EQ(seeds_.size(), 4U);
}

TEST_F(EvaluateModel, ReconstructionsAndTheirComponentsAreScoredInTheFrameOfTheAsset) {
  const auto result = evaluated();
  ASSERT_EQ(result.components.size(), 8U);
  for (int64_t i = 0; i < 4; ++i) {
    const double chamfer = 2 * 0.02 / kAssets[i].half_side;
    EXPECT_NEAR(value_of(result.assets[i].reconstruction.scores, "chamfer"), chamfer, kTolerance);
    for (const int64_t component : {0, 1}) {
      const auto& score = result.components[2 * i + component];
      EXPECT_EQ(score.asset, kAssets[i].id);
      EXPECT_EQ(score.component, component == 0 ? "left" : "right");
      EXPECT_NEAR(value_of(score.scores, "chamfer"), chamfer, kTolerance);
    }
  }
}

TEST_F(EvaluateModel, WithAllViewsTheScoreIsTheMeanOverThem) {
  config_.evaluation.view = ViewRule::kAll;
  empty_in_ = 1;
  const auto result = evaluated();
  for (const int64_t i : {0, 2, 3}) {
    const auto& score = result.assets[i];
    ASSERT_EQ(score.views.size(), 2U);
    const double mean = (lift_of(i, 0) + lift_of(i, 1)) / kAssets[i].half_side;
    EXPECT_NEAR(value_of(score.generated.scores, "chamfer"), mean, kTolerance);
    const double f_score = lift_of(i, 1) / kAssets[i].half_side < 0.1 ? 1.0 : 0.5;
    EXPECT_EQ(value_of(score.generated.scores, "f_score_0.1"), f_score);
    EXPECT_EQ(score.generated.empty.count, 0);
  }
  EXPECT_EQ(result.assets[1].generated.empty.count, 2) << "one of each view";
  EXPECT_EQ(result.assets[1].generated.empty.of, 4);
  EXPECT_THAT(batch_sizes_, ElementsAre(3, 3, 3, 3, 2, 2)) << "views fill batches as assets do";
  EXPECT_NEAR(value_of(result.assets[3].control.scores, "chamfer"),
              0.5 * (chamfer_of(3, 0, lift_of(3, 0)) + chamfer_of(3, 0, lift_of(3, 1))),
              kTolerance);
  EXPECT_EQ(read_image(folder_ / "out/c/image.png").pixels[0], mark_of(2, 0));
  EXPECT_EQ(read_image(folder_ / "out/c/view_01/image.png").pixels[0], mark_of(2, 1));
}

TEST_F(EvaluateModel, ADrawnViewAndTheNoiseGoWithTheAssetWhereverItStands) {
  config_.evaluation.view = ViewRule::kRandom;
  const auto first = evaluated();
  const auto seeds = seeds_;
  order_ = {3, 1, 0, 2};
  const auto second = evaluated();
  for (int64_t i = 0; i < 4; ++i) {
    const auto& score = second.assets[i];
    const auto& same = first.assets[order_[i]];
    EXPECT_EQ(score.id, same.id);
    EXPECT_EQ(score.views[0].index, same.views[0].index);
    EXPECT_NEAR(value_of(score.generated.scores, "chamfer"),
                value_of(same.generated.scores, "chamfer"), kTolerance);
  }
  EXPECT_EQ(seeds_.size(), seeds.size()) << "other seeds than before";
}

TEST_F(EvaluateModel, CountsComponentsWithoutSurface) {
  empty_in_ = 2;
  const auto result = evaluated();
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(result.assets[i].generated.empty.count, i == 2 ? 1 : 0);
    EXPECT_EQ(result.assets[i].generated.empty.of, 2);
    EXPECT_EQ(result.assets[i].reconstruction.empty.count, 0);
    // A speck lies between the samples of any lattice.
    EXPECT_EQ(result.assets[i].exact_field.empty.count, 2);
  }
}

TEST_F(EvaluateModel, GeneratesNothingForAModelThatCannot) {
  model_.generate = nullptr;
  const auto result = evaluated();
  EXPECT_THAT(result.assets[0].generated.scores, IsEmpty());
  EXPECT_FALSE(result.assets[0].reconstruction.scores.empty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  EXPECT_THAT(result.assets[0].views, IsEmpty()) << "it saw no image";
}

TEST_F(EvaluateModel, NamesTheAssetsThatItCannotGenerate) {
  config_.evaluation.batch_size = 1;
  model_.generate = [](const auto&) -> std::vector<mesh::Scene> { throw Error("no map"); };
  EXPECT_THAT(refusal([&] { evaluated(); }),
              AllOf(HasSubstr(std::string("generating ") + kAssets[0].id), HasSubstr("no map")));
}

TEST_F(EvaluateModel, RefusesAViewThatTheDatasetLacksBeforeAnythingIsGenerated) {
  config_.evaluation.view_index = 2;
  EXPECT_THAT(refusal([&] { evaluated(); }),
              AllOf(HasSubstr("evaluation.view_index is 2"), HasSubstr("views 0 to 1")));
  EXPECT_TRUE(batch_sizes_.empty());
}

class EvaluatedWeights : public TrainedRuns {
 protected:
  // What an evaluation finds with the weights of `file`, all of them loaded here.
  static std::string scores_with(const RunConfig& config, const std::string& file) {
    const auto load = [&](torch::nn::Module& module, const std::filesystem::path& run) {
      const auto step = checkpoint::step_folder(run / "checkpoints", 4);
      checkpoint::load_state(module, checkpoint::Weights(step / file));
    };
    vae::VecsetVae vae(config.vae);
    load(*vae, config.vae_run);
    vae->eval();
    generation::ComponentDenoiser denoiser(config.dit, config.image_encoder,
                                           config.vae.latent_channels);
    load(*denoiser, config.folder());
    const auto device = testing::device();
    vae->to(device);
    denoiser->to(device);
    generation::ComponentGenerator generator(denoiser, vae, config.sampler, config.decoder, false);
    const data::PreparedDataset dataset(config.data.path);
    const ScoredModel model = {
        [&](const auto& requests) { return generator.generate(requests); },
        [&](int64_t i) {
          return reconstruct(vae, dataset, i, config.evaluation.seed, config.decoder);
        },
        [&](const auto& reference) {
          return exact_field_scene(reference, config.data, config.vae_training.truncation,
                                   config.decoder);
        }};
    auto result = evaluate_model(model, dataset, config.evaluation, *runs_ / "evaluation");
    result.model = describe_run(config, {});
    return json_of(result);
  }
};

TEST_F(EvaluatedWeights, AreTheAveragedOnes) {
  const auto config = runs_->dit_config();
  evaluate_run(config, *runs_ / "evaluation");
  const auto scores = read_file(*runs_ / "evaluation/evaluation.json");
  std::filesystem::remove_all(*runs_ / "evaluation");
  EXPECT_EQ(scores, scores_with(config, "ema.safetensors"));
  std::filesystem::remove_all(*runs_ / "evaluation");
  EXPECT_NE(scores, scores_with(config, "model.safetensors"));
}

}  // namespace
}  // namespace moca::experiment
