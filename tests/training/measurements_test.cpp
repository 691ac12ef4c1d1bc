#include "moca/training/measurements.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ranks.h"

namespace moca::training {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Measurements, AreMeansSinceTheyWereLastTaken) {
  distributed::ProcessGroup alone;
  Measurements measured({"a", "b", "c"});
  measured.add("c", 4.0);
  measured.add("a", 1.0);
  measured.add("a", 4.0, 2.0);
  EXPECT_THAT(measured.take(alone), ElementsAre(Pair("a", 3.0), Pair("c", 4.0)));
  EXPECT_THAT(measured.take(alone), IsEmpty());
  measured.add("b", 7.0);
  EXPECT_THAT(measured.take(alone), ElementsAre(Pair("b", 7.0)));
}

TEST(Measurements, OfATensorCountLikeThatOfItsNumber) {
  distributed::ProcessGroup alone;
  Measurements measured({"a", "b"});
  auto value = at::full({}, 2.0F).requires_grad_();
  measured.add("a", value);
  measured.add("b", at::full({}, 5.0F));
  measured.add("a", 4.0);
  measured.add("a", value * 3);
  EXPECT_THAT(measured.take(alone), ElementsAre(Pair("a", 4.0), Pair("b", 5.0)));
  EXPECT_THAT(measured.take(alone), IsEmpty());
}

TEST(Measurements, AreOverAllRanks) {
  for (const auto& result : testing::run_ranks(2, [](distributed::ProcessGroup& group) {
         Measurements measured({"everywhere", "on one rank", "nowhere"});
         measured.add("everywhere", group.rank(), 1.0 + group.rank());
         if (group.rank() == 1) {
           measured.add("on one rank", 5.0);
         }
         std::string text;
         for (const auto& [name, mean] : measured.take(group)) {
           text += name + " " + std::to_string(mean) + ", ";
         }
         return text;
       })) {
    EXPECT_EQ(result.text, "everywhere 0.666667, on one rank 5.000000, ");
  }
}

}  // namespace
}  // namespace moca::training
