#include "src/mesh/sparse_samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace moca::mesh {
namespace {

TEST(SparseSamples, HandsOutEveryWishOnceAndInOrder) {
  SparseSamples samples(20);
  samples.want({3, 4, 5});
  samples.want({19, 0, 8});
  samples.want({3, 4, 5});
  EXPECT_EQ(samples.take_wanted(), (std::vector<Sample>{{3, 4, 5}, {19, 0, 8}}));
  EXPECT_TRUE(samples.take_wanted().empty());
  // Wanted already, though not set yet; then known.
  samples.want({3, 4, 5});
  samples.set({3, 4, 5}, 2.5F);
  samples.want({3, 4, 5});
  EXPECT_TRUE(samples.take_wanted().empty());
  ASSERT_NE(samples.find({3, 4, 5}), nullptr);
  EXPECT_EQ(*samples.find({3, 4, 5}), 2.5F);
  EXPECT_EQ(samples.find({19, 0, 8}), nullptr);
}

TEST(SparseSamples, AreEmptyBeyondTheLatticeAndAcceptNoWishesThere) {
  SparseSamples samples(9);
  for (const Sample& beyond : {Sample{-1, 0, 0}, Sample{0, 9, 0}, Sample{4, 4, 1000}}) {
    samples.want(beyond);
    ASSERT_NE(samples.find(beyond), nullptr);
    EXPECT_LT(*samples.find(beyond), 0.0F);
  }
  EXPECT_TRUE(samples.take_wanted().empty());
  samples.want_box({-2, 7, 8}, {1, 12, 20});
  EXPECT_EQ(samples.take_wanted(),
            (std::vector<Sample>{{0, 7, 8}, {0, 8, 8}, {1, 7, 8}, {1, 8, 8}}));
}

TEST(SparseSamples, RememberLikeAMap) {
  constexpr int kResolution = 21;  // no multiple of a brick's side
  SparseSamples samples(kResolution);
  std::map<Sample, float> known;
  std::set<Sample> wanted;
  std::mt19937_64 engine(4);
  std::uniform_int_distribution<int> index(-2, kResolution + 1);
  for (int step = 0; step < 20000; ++step) {
    const Sample at = {index(engine), index(engine), index(engine)};
    const bool is_inside = *std::min_element(at.begin(), at.end()) >= 0 &&
                           *std::max_element(at.begin(), at.end()) < kResolution;
    if (is_inside) {
      const float* found = samples.find(at);
      ASSERT_EQ(found != nullptr, known.contains(at));
      if (found != nullptr) {
        EXPECT_EQ(*found, known[at]);
      }
      if (!known.contains(at)) {
        wanted.insert(at);
      }
    }
    samples.want(at);
    if (step % 500 == 499) {
      const std::vector<Sample> taken = samples.take_wanted();
      EXPECT_EQ(std::set<Sample>(taken.begin(), taken.end()), wanted);
      EXPECT_EQ(taken.size(), wanted.size());
      for (const Sample& sample : taken) {
        known[sample] = static_cast<float>(known.size());
        samples.set(sample, known[sample]);
      }
      wanted.clear();
    }
  }
}

}  // namespace
}  // namespace moca::mesh
