#include "src/training/component_batch.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "src/training/latent_source.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::training {
namespace {

using testing::bit_equal;

class TinyDataset : public testing::WithTinyDataset {
 protected:
  static ComponentBatch draw(int64_t num_surface_points, int64_t num_query_points, uint64_t seed) {
    return draw_components(*dataset_, {{0, 1}, {2, 0}}, num_surface_points, num_query_points, seed);
  }
  static LatentSource latent_source(int64_t num_cached) {
    return {testing::tiny_vae(), dataset_, dataset_->indices_of("train"), num_cached, 5};
  }
  static at::Tensor latents_of(LatentSource source, int64_t asset, uint64_t seed) {
    return source.latents(source.draw({{asset, seed}}))[0];
  }
};

TEST_F(TinyDataset, ListsEveryComponentOfASplitOnce) {
  std::set<std::pair<int64_t, int64_t>> listed;
  int64_t expected = 0;
  for (const int64_t asset : dataset_->indices_of("train")) {
    expected += dataset_->records()[asset].num_components();
  }
  for (const auto& [asset, component] : components_of(*dataset_, dataset_->indices_of("train"))) {
    EXPECT_EQ(dataset_->records()[asset].split, "train");
    EXPECT_LT(component, dataset_->records()[asset].num_components());
    EXPECT_TRUE(listed.emplace(asset, component).second);
  }
  EXPECT_EQ(static_cast<int64_t>(listed.size()), expected);
}

// Each row of `drawn` is the row of `stored` at the same place in both.
void expect_rows_of(const at::Tensor& stored, const at::Tensor& drawn) {
  const auto is_same = (drawn.unsqueeze(1) == stored.unsqueeze(0)).all(-1);  // [drawn, stored]
  EXPECT_TRUE(is_same.any(1).all().item<bool>()) << "something that is not stored was drawn";
  EXPECT_GT(is_same.any(0).sum().item<int64_t>(), 1) << "always the same was drawn";
}

TEST_F(TinyDataset, DrawsStoredPointsWithTheirOwnNormalsAndDistances) {
  const auto batch = draw(200, 150, 1);
  ASSERT_EQ(batch.surface_points.sizes(), at::IntArrayRef({2, 200, 3}));
  ASSERT_EQ(batch.query_distances.sizes(), at::IntArrayRef({2, 150}));
  const std::vector<ComponentIndex> components = {{0, 1}, {2, 0}};
  for (int64_t row = 0; row < 2; ++row) {
    const auto surface = dataset_->surface(components[row].asset, components[row].component);
    expect_rows_of(at::cat({surface.points, surface.normals}, 1),
                   at::cat({batch.surface_points[row], batch.surface_normals[row]}, 1));
    const auto queries = dataset_->queries(components[row].asset, components[row].component);
    expect_rows_of(at::cat({queries.points, queries.distances.unsqueeze(1)}, 1),
                   at::cat({batch.query_points[row], batch.query_distances[row].unsqueeze(1)}, 1));
  }
}

TEST_F(TinyDataset, DrawsTheSamePointsForASeedAndOthersForAnother) {
  EXPECT_TRUE(bit_equal(draw(20, 20, 1).surface_points, draw(20, 20, 1).surface_points));
  EXPECT_TRUE(bit_equal(draw(20, 20, 1).query_points, draw(20, 20, 1).query_points));
  EXPECT_FALSE(at::equal(draw(20, 20, 1).surface_points, draw(20, 20, 2).surface_points));
}

TEST_F(TinyDataset, DrawsNoQueriesWhereNoneAreWanted) {
  EXPECT_FALSE(draw(20, 0, 1).query_points.defined());
  EXPECT_FALSE(draw(20, 0, 1).query_distances.defined());
}

TEST_F(TinyDataset, EncodesAnewForEverySeedWhenNothingIsCached) {
  auto source = latent_source(0);
  const auto components = dataset_->records()[1].num_components();
  EXPECT_EQ(latents_of(source, 1, 7).sizes(), at::IntArrayRef({components, 8, 4}));
  EXPECT_TRUE(bit_equal(latents_of(source, 1, 7), latents_of(source, 1, 7)));
  EXPECT_FALSE(at::equal(latents_of(source, 1, 7), latents_of(source, 1, 8)));
}

TEST_F(TinyDataset, DrawsAmongTheCachedEncodingsAndUsesThemAll) {
  auto source = latent_source(3);
  std::set<float> first_numbers;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    first_numbers.insert(latents_of(source, 2, seed).flatten()[0].item<float>());
  }
  EXPECT_EQ(first_numbers.size(), 3U);
}

TEST_F(TinyDataset, StatisticsSeeEveryEncodingOfTheTrainingAssets) {
  const auto num_components =
      static_cast<int64_t>(components_of(*dataset_, dataset_->indices_of("train")).size());
  EXPECT_EQ(latent_source(0).samples().size(0), num_components);
  EXPECT_EQ(latent_source(3).samples().size(0), 3 * num_components);
}

TEST_F(TinyDataset, LatentsCarryNoGradient) {
  EXPECT_FALSE(latents_of(latent_source(0), 0, 1).requires_grad());
  EXPECT_FALSE(latents_of(latent_source(1), 0, 1).requires_grad());
}

}  // namespace
}  // namespace moca::training
