#include "moca/core/random.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <set>

namespace moca {
namespace {

// Computed by an implementation in Python: a resumed run draws these numbers in every version.
TEST(StreamSeed, IsTheSameInEveryVersionAndOnEveryMachine) {
  constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(stream_seed(0, ""), 0xd5784dc90ff56603ULL);
  EXPECT_EQ(stream_seed(1, "data order", 7, 3), 0x7b376925a663fad0ULL);
  EXPECT_EQ(stream_seed(kLargest, "sampling noise", 0, kLargest), 0x0dae0030b3af6f7cULL);
}

TEST(StreamSeed, DiffersForEverySeedPurposeStepAndIndex) {
  std::set<uint64_t> seeds;
  size_t count = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const char* purpose : {"", "a", "b", "ab", "ba", "points", "noise"}) {
      for (uint64_t step = 0; step < 20; ++step) {
        for (uint64_t index = 0; index < 20; ++index) {
          seeds.insert(stream_seed(seed, purpose, step, index));
          ++count;
        }
      }
    }
  }
  EXPECT_EQ(seeds.size(), count);
}

TEST(StreamSeed, TakesNamesBytewise) {
  EXPECT_NE(stream_seed(0, "\xC3\xA4"), stream_seed(0, "\xC3\xA5"));
  EXPECT_NE(stream_seed(0, std::string_view("a\0b", 3)), stream_seed(0, "a"));
}

TEST(StreamSeed, FlipsEveryBitAboutHalfTheTimeBetweenNeighbours) {
  constexpr int kCount = 4000;
  std::array<int, 64> flips{};
  for (uint64_t step = 0; step < kCount; ++step) {
    const uint64_t changed = stream_seed(3, "x", step) ^ stream_seed(3, "x", step + 1);
    for (size_t bit = 0; bit < 64; ++bit) {
      flips[bit] += static_cast<int>(changed >> bit & 1U);
    }
  }
  for (const int flipped : flips) {
    EXPECT_NEAR(flipped, kCount / 2, 5 * std::sqrt(kCount / 4.0));  // 5 sigma
  }
}

}  // namespace
}  // namespace moca
