#include "moca/ops/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>
#include <vector>

#include "moca/core/generator.h"
#include "tests/ops/finite_differences.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::attention_test {
namespace {

using testing::all_close;
using testing::bit_equal;
using testing::on_device;

struct Case {
  at::Tensor query, key, value;
};

// Heads as the projections give them: views whose tokens are strided. S is no multiple of a block.
Case make_case(int64_t S, int64_t T) {
  auto generator = generator_for(5, "attention test");
  const auto draw = [&](int64_t count) {
    return on_device(at::randn({2, count, 3, 16}, generator, at::TensorOptions())).transpose(1, 2);
  };
  return {draw(S) * 2.0, draw(T), draw(T)};
}

at::Tensor reference(const Case& c) {
  return at::scaled_dot_product_attention(c.query.to(at::kDouble), c.key.to(at::kDouble),
                                          c.value.to(at::kDouble));
}

at::Tensor draw_doubles(at::IntArrayRef sizes, uint64_t index) {
  return on_device(at::randn(sizes, generator_for(3, "attention test", 0, index),
                             at::TensorOptions().dtype(at::kDouble)));
}

TEST(Attention, IsTheSoftmaxOfScaledProductsTimesTheValues) {
  const auto query = draw_doubles({2, 3, 4, 5}, 0), key = draw_doubles({2, 3, 6, 5}, 1);
  const auto value = draw_doubles({2, 3, 6, 5}, 2);
  const auto output = attention(query, key, value);
  for (int64_t s = 0; s < 4; ++s) {
    const auto weights = ((key[1][2] * query[1][2][s]).sum(-1) / std::sqrt(5.0)).exp();  // [6]
    const auto expected = (weights.unsqueeze(-1) * value[1][2]).sum(0) / weights.sum();
    EXPECT_TRUE(all_close(output[1][2][s], expected, 1e-12));
  }
}

TEST(Attention, HasTheGradientOfItsValuesForAllThreeInputs) {
  const auto query = draw_doubles({1, 2, 3, 4}, 0), key = draw_doubles({1, 2, 5, 4}, 1);
  const auto value = draw_doubles({1, 2, 5, 4}, 2), weights = draw_doubles({1, 2, 3, 4}, 3);
  const auto weigh = [&](const at::Tensor& output) { return (output * weights).sum(); };
  EXPECT_TRUE(testing::has_right_gradient(
      [&](const at::Tensor& input) { return weigh(attention(input, key, value)); }, query));
  EXPECT_TRUE(testing::has_right_gradient(
      [&](const at::Tensor& input) { return weigh(attention(query, input, value)); }, key));
  EXPECT_TRUE(testing::has_right_gradient(
      [&](const at::Tensor& input) { return weigh(attention(query, key, input)); }, value));
}

TEST(Attention, ReadsASetAndStaysWithinItsValues) {
  const auto query = draw_doubles({1, 1, 4, 5}, 0), key = draw_doubles({1, 1, 6, 5}, 1);
  const auto value = draw_doubles({1, 1, 6, 5}, 2);
  const auto order = on_device(at::tensor({4, 1, 5, 0, 2, 3}, at::kLong));
  const auto output = attention(query, key, value);
  EXPECT_TRUE(all_close(attention(query, key.index_select(2, order), value.index_select(2, order)),
                        output, 1e-12));
  EXPECT_TRUE((output <= std::get<0>(value.max(2, true))).all().item<bool>());
  EXPECT_TRUE((output >= std::get<0>(value.min(2, true))).all().item<bool>());
  // A very certain query takes the value of the key that agrees most.
  const auto best = at::matmul(query, key.transpose(2, 3)).argmax(-1)[0][0];  // [4]
  EXPECT_TRUE(all_close(attention(query * 1e4, key, value)[0][0], value[0][0].index_select(0, best),
                        1e-12));
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

TEST(Attention, ReadsAnyLayout) {
  const torch::NoGradGuard no_grad;
  const auto c = make_case(530, 131);
  const auto expected = reference(c);
  const auto transposed = [](const at::Tensor& heads) {
    return heads.transpose(2, 3).contiguous().transpose(2, 3);  // channels strided
  };
  EXPECT_TRUE(
      all_close(attention(transposed(c.query), c.key, transposed(c.value)), expected, 1e-6));
  const auto one = c.query.narrow(2, 3, 1).expand({-1, -1, 530, -1});  // rows that overlap
  EXPECT_TRUE(all_close(attention(one, c.key, c.value),
                        expected.narrow(2, 3, 1).expand({-1, -1, 530, -1}), 1e-6));
}

TEST(Attention, LeavesWhatIsNoNumberVisible) {
  const torch::NoGradGuard no_grad;
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    auto c = make_case(530, 131);
    c.query[0][1].select(0, 400).fill_(std::numeric_limits<double>::quiet_NaN());
    const auto output = attention(c.query.to(type), c.key.to(type), c.value.to(type));
    EXPECT_TRUE(output[0][1][400].isnan().all().item<bool>());
    EXPECT_EQ(output.isnan().sum().item<int64_t>(), output.size(3));
  }
}

// What the groups of nested attention see, one after another.
at::Tensor attended_by_groups(const Case& c, const std::vector<int64_t>& ends) {
  std::vector<at::Tensor> groups;
  int64_t begin = 0;
  for (const int64_t end : ends) {
    groups.push_back(at::scaled_dot_product_attention(
        c.query.narrow(2, begin, end - begin), c.key.narrow(2, 0, end), c.value.narrow(2, 0, end)));
    begin = end;
  }
  return at::cat(groups, 2);
}

// Ends at odd places too, groups of a single token, less than a block and more than one.
const std::vector<std::vector<int64_t>> kEnds = {{5, 7, 8},       {131},          {129, 130, 131},
                                                 {513, 577, 578}, {64, 128, 640}, {33, 600}};

TEST(NestedAttention, IsThatOfEveryGroupOverItselfAndThoseBefore) {
  for (const auto& ends : kEnds) {
    const auto S = ends.back();
    for (const auto& [type, bound] : {std::pair(at::kDouble, 1e-12), std::pair(at::kFloat, 2e-6),
                                      std::pair(at::kBFloat16, 2e-2)}) {
      const auto drawn = make_case(S, S);
      const auto here = [type = type](const at::Tensor& heads) {
        return testing::on_device(heads.to(type));
      };
      Case c{here(drawn.query), here(drawn.key), here(drawn.value)};
      const Case exact{c.query.cpu().to(at::kDouble), c.key.cpu().to(at::kDouble),
                       c.value.cpu().to(at::kDouble)};
      const auto weights = drawn.key.flip(2).to(type);
      const auto outcome = [&](const Case& inputs, const auto& attend) {
        std::vector<at::Tensor> all = {inputs.query.detach().requires_grad_(),
                                       inputs.key.detach().requires_grad_(),
                                       inputs.value.detach().requires_grad_()};
        const auto output = attend({all[0], all[1], all[2]});
        auto found = torch::autograd::grad({(output * weights.to(output)).sum()}, all);
        found.push_back(output);
        return found;
      };
      const auto found = outcome(c, [&](const Case& inputs) {
        return nested_attention(inputs.query, inputs.key, inputs.value, ends);
      });
      const auto expected =
          outcome(exact, [&](const Case& inputs) { return attended_by_groups(inputs, ends); });
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(found[i].scalar_type(), type);
        EXPECT_TRUE(all_close(found[i].cpu().to(at::kDouble), expected[i], bound))
            << toString(type) << ", ends " << ends << ", tensor " << i;
      }
      const torch::NoGradGuard no_grad;
      EXPECT_TRUE(bit_equal(nested_attention(c.query, c.key, c.value, ends), found.back()));
    }
  }
}

TEST(NestedAttention, RefusesEndsThatAreNotThoseOfItsTokens) {
  const auto c = make_case(30, 30);
  for (const auto& ends :
       std::vector<std::vector<int64_t>>{{}, {29}, {31}, {20, 10, 30}, {0, 30}}) {
    EXPECT_THROW(nested_attention(c.query, c.key, c.value, ends), c10::Error) << ends.size();
  }
}

TEST(Attention, BetweenComponentsIsAttentionOverAllTheirTokens) {
  const torch::NoGradGuard no_grad;
  auto generator = generator_for(6, "attention between");
  const auto heads = [&](int64_t N, int64_t S) {
    return on_device(at::randn({2, N, S, 3, 16}, generator, at::TensorOptions())).transpose(2, 3);
  };
  const auto joined = [](const at::Tensor& tokens) {
    return tokens.transpose(1, 2).flatten(2, 3).to(at::kDouble);
  };
  for (const int64_t key_components : {1, 4}) {
    const auto query = heads(4, 65), key = heads(key_components, 70);
    const auto value = heads(key_components, 70);
    const auto expected =
        at::scaled_dot_product_attention(joined(query), joined(key), joined(value));
    EXPECT_TRUE(all_close(joined(attention_between(query, key, value)), expected, 1e-6));
  }
}

TEST(Attention, HasTheGradientsOfLibTorchsInAllInputs) {
  const auto c = make_case(530, 131);
  const auto weights = at::randn_like(c.query);
  const auto gradients = [&](const auto& function, at::ScalarType type) {
    std::vector<at::Tensor> inputs;
    for (const auto& input : {c.query, c.key, c.value}) {
      inputs.push_back(input.detach().to(type).requires_grad_());
    }
    const auto output = function(inputs[0], inputs[1], inputs[2]);
    return torch::autograd::grad({(output * weights.to(type)).sum()}, inputs);
  };
  const auto plain = [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return at::scaled_dot_product_attention(q, k, v);
  };
  const auto expected = gradients(plain, at::kDouble);
  const auto ours = [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return attention(q, k, v);
  };
  const auto found = gradients(ours, at::kFloat);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(all_close(found[i], expected[i], 2e-6)) << "input " << i;
  }
}

TEST(Attention, DoesNotSeeTheKeysThatTheMaskLeavesOut) {
  const torch::NoGradGuard no_grad;
  const auto c = make_case(20, 31);
  auto mask = at::ones({c.key.size(0), 31}, at::kBool).to(c.key.device());
  mask.narrow(1, 24, 7).fill_(false);
  const auto expected = attention(c.query, c.key.narrow(2, 0, 24), c.value.narrow(2, 0, 24));
  EXPECT_TRUE(all_close(attention(c.query, c.key, c.value, mask), expected, 1e-6));
}

}  // namespace
}  // namespace moca::ops::attention_test
