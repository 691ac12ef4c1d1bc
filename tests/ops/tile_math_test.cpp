#include "src/ops/tile_math.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops::tile_math_test {
namespace {

using testing::all_close;
using testing::bit_equal;

constexpr int64_t kCount = 77;  // no multiple of any vector's width

at::Tensor draw(uint64_t index, at::ScalarType type = at::kFloat) {
  return at::randn({kCount}, generator_for(11, "tile math test", 0, index),
                   at::TensorOptions().dtype(type));
}

template <typename Number>
class TileMath : public ::testing::Test {
 protected:
  static constexpr at::ScalarType kType = c10::CppTypeToScalarType<Number>::value;
  static constexpr double kTolerance = kType == at::kDouble ? 1e-14 : 3e-7;
  static at::Tensor random(uint64_t index) { return draw(index, kType); }
  static Number* data(const at::Tensor& row) { return row.mutable_data_ptr<Number>(); }
};
using Numbers = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TileMath, Numbers);

TYPED_TEST(TileMath, ScalesARowAndGivesItsLargest) {
  const auto scores = this->random(0), factors = this->random(1);
  const auto expected = scores * factors;
  const auto largest = scale_row(this->data(scores), this->data(factors), kCount, TypeParam(-100));
  EXPECT_TRUE(bit_equal(scores, expected));
  EXPECT_EQ(largest, expected.max().template item<TypeParam>());
}

TYPED_TEST(TileMath, KeepsTheMaximumThatWasGivenWhereNoneIsLarger) {
  const auto scores = this->random(0), factors = at::ones_like(scores);
  EXPECT_EQ(scale_row(this->data(scores), this->data(factors), kCount, TypeParam(50)),
            TypeParam(50));
}

TYPED_TEST(TileMath, WeightsAreExponentialsTimesTheValuesFactorsAndTheSumIsWithoutThem) {
  const auto scores = this->random(0) * 5, factors = this->random(1);
  const auto maximum = scores.max().template item<TypeParam>();
  const auto exponentials = (scores.to(at::kDouble) - static_cast<double>(maximum)).exp();
  const auto plain = scores.clone(), gated = scores.clone();
  for (const auto sum : {weigh_row(this->data(plain), nullptr, kCount, maximum),
                         weigh_row(this->data(gated), this->data(factors), kCount, maximum)}) {
    EXPECT_NEAR(sum, exponentials.sum().template item<double>(), 30 * this->kTolerance);
  }
  EXPECT_TRUE(all_close(plain, exponentials, this->kTolerance));
  EXPECT_TRUE(all_close(gated, exponentials * factors.to(at::kDouble), this->kTolerance));
}

TYPED_TEST(TileMath, DifferentiatesARowAsTheFormulasOfTheSoftmaxSay) {
  const auto products = this->random(0), values = this->random(1), log_sum_exp = this->random(2);
  const auto means = this->random(3);
  const double key_factor = 0.25, value_factor = 0.75;
  const auto weight = (products.to(at::kDouble) * key_factor - log_sum_exp.to(at::kDouble)).exp();
  const auto gradient = weight * (values.to(at::kDouble) * value_factor - means.to(at::kDouble));
  const double of_key = (products.to(at::kDouble) * gradient).sum().template item<double>();
  const double of_value = (values.to(at::kDouble) * weight).sum().template item<double>();
  const auto sums = differentiate_row(
      KeyRow<TypeParam>{this->data(products), this->data(values), this->data(log_sum_exp),
                        this->data(means), kCount, TypeParam(key_factor), TypeParam(value_factor)});
  EXPECT_TRUE(all_close(products, gradient * key_factor, 10 * this->kTolerance));
  EXPECT_TRUE(all_close(values, weight * value_factor, 10 * this->kTolerance));
  EXPECT_NEAR(sums.key, of_key, 1000 * this->kTolerance);
  EXPECT_NEAR(sums.value, of_value, 1000 * this->kTolerance);
}

TEST(RoundRow, RoundsToTheNearestBf16AsLibTorch) {
  auto row = draw(0) * 1000;
  row[0] = 1.00390625;  // halfway between two, the even one is below
  row[1] = 1.01171875;  // halfway, the even one is above
  row[2] = 0.0;
  auto rounded = at::empty({kCount}, at::kBFloat16);
  round_row(row.const_data_ptr<float>(), kCount, rounded.mutable_data_ptr<c10::BFloat16>());
  EXPECT_TRUE(bit_equal(rounded, row.to(at::kBFloat16)));
}

TEST(WeighRow, GivesAVanishingWeightFarBelowTheMaximum) {
  std::vector<float> scores = {0.0F, -50.0F, -1000.0F};
  EXPECT_FLOAT_EQ(weigh_row(scores.data(), nullptr, 3, 0.0F), 1.0F);
  EXPECT_FLOAT_EQ(scores[0], 1.0F);
  EXPECT_FLOAT_EQ(scores[1], std::exp(-50.0F));
  EXPECT_LT(scores[2], 1e-37F);
}

}  // namespace
}  // namespace moca::ops::tile_math_test
