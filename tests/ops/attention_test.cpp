#include "moca/ops/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops {
namespace {

using testing::all_close;

struct Case {
  at::Tensor query, key, value;
};

// Heads as the projections give them: views whose tokens are strided. S is no multiple of a block.
Case make_case(int64_t S, int64_t T) {
  auto generator = generator_for(5, "attention test");
  const auto draw = [&](int64_t count) {
    return at::randn({2, count, 3, 16}, generator, at::TensorOptions()).transpose(1, 2);
  };
  return {draw(S) * 2.0, draw(T), draw(T)};
}

at::Tensor reference(const Case& c) {
  return at::scaled_dot_product_attention(c.query.to(at::kDouble), c.key.to(at::kDouble),
                                          c.value.to(at::kDouble));
}

TEST(Attention, IsLibTorchsInFloat) {
  const torch::NoGradGuard no_grad;
  for (const auto& c : {make_case(7, 9), make_case(530, 131)}) {
    EXPECT_TRUE(all_close(attention(c.query, c.key, c.value), reference(c), 1e-6));
  }
}

TEST(Attention, ErrsInBf16NoMoreThanTwiceAsMuchAsLibTorchs) {
  const torch::NoGradGuard no_grad;
  auto c = make_case(530, 131);
  for (auto* tensor : {&c.query, &c.key, &c.value}) {
    *tensor = tensor->to(at::kBFloat16);
  }
  const auto exact = reference(c);
  const auto error = [&](const at::Tensor& output) {
    EXPECT_EQ(output.scalar_type(), at::kBFloat16);
    return (output.to(at::kDouble) - exact).norm().item<double>();
  };
  EXPECT_LE(error(attention(c.query, c.key, c.value)),
            2.0 * error(at::scaled_dot_product_attention(c.query, c.key, c.value)));
}

TEST(Attention, RecordsTheGradientWhereOneIsWanted) {
  const auto c = make_case(530, 131);
  const auto value = c.value.clone().requires_grad_();
  const auto sum = attention(c.query, c.key, value).sum();
  const auto expected = at::scaled_dot_product_attention(c.query, c.key, value).sum();
  EXPECT_TRUE(all_close(torch::autograd::grad({sum}, {value})[0],
                        torch::autograd::grad({expected}, {value})[0], 1e-6));
}

}  // namespace
}  // namespace moca::ops
