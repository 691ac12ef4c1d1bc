#include "moca/nn/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "moca/core/generator.h"
#include "moca/nn/embeddings.h"
#include "moca/ops/attention.h"
#include "tests/ops/finite_differences.h"
#include "tests/support/fixture.h"
#include "tests/support/tensor_matchers.h"

namespace moca::nn {
namespace {

using testing::all_close;
using testing::bit_equal;

Attention make(int64_t width, int64_t context_width, int64_t heads, bool qk_norm) {
  torch::manual_seed(1);
  AttentionSizes sizes;
  sizes.width = width;
  sizes.context_width = context_width;
  sizes.num_heads = heads;
  sizes.qk_norm = qk_norm;
  return Attention(sizes);
}

class OpsFixture : public testing::FixtureTest {
 protected:
  OpsFixture() : FixtureTest("ops") {}
};

INSTANTIATE_TEST_SUITE_P(From, OpsFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(OpsFixture, AttentionReadsTheStackedProjectionsHeadsFirst) {
  // Identity tokens turn the projections of the fixture into what split_heads sees.
  auto attention = make(32, 0, 4, false);
  const torch::NoGradGuard no_grad;
  // Tokens [q | k | v] against selecting matrices: to_q(x) = q and so on, over a width of 96.
  const auto q = input("q"), k = input("k"), v = input("v");
  const auto stacked = at::cat({q, k, v}, -1).view({2, 5, 4, 3, 8}).permute({3, 0, 2, 1, 4});
  EXPECT_TRUE(bit_equal(stacked[0], output("self_q")));
  EXPECT_TRUE(bit_equal(stacked[1], output("self_k")));
  EXPECT_TRUE(bit_equal(stacked[2], output("self_v")));
  // The module does the same with its own matrices.
  const auto tokens = at::randn({2, 5, 32});
  const auto parameters = attention->named_parameters();
  const auto projected = [&](const char* name) {
    return at::linear(tokens, parameters[std::string(name) + ".weight"]);
  };
  const auto expected = at::cat({projected("to_q"), projected("to_k"), projected("to_v")}, -1)
                            .view({2, 5, 4, 3, 8})
                            .permute({3, 0, 2, 1, 4});
  const auto heads = attention->project(tokens);
  EXPECT_TRUE(all_close(heads.query, expected[0], 1e-6));
  EXPECT_TRUE(all_close(heads.key, expected[1], 1e-6));
  EXPECT_TRUE(all_close(heads.value, expected[2], 1e-6));
}

TEST(Attention, GivesTheSameKeysAndValuesToTokensThatIssueNoQuery) {
  auto attention = make(32, 0, 4, true);
  const auto tokens = at::randn({2, 5, 32});
  const auto whole = attention->project(tokens);
  const auto part = attention->project_key_value(tokens);
  EXPECT_TRUE(all_close(part.key, whole.key, 1e-6));
  EXPECT_TRUE(all_close(part.value, whole.value, 1e-6));
  EXPECT_FALSE(part.query.defined());
}

TEST(Attention, OverAZeroContextIsExactlyTheOutputBias) {
  auto attention = make(32, 48, 4, true);
  const auto query = attention->project_query(at::randn({2, 5, 32}));
  const auto context = attention->project_context(at::zeros({2, 7, 48}));
  const auto output = attention->project_output(ops::attention(query, context.key, context.value));
  EXPECT_TRUE(bit_equal(output, attention->output_bias().expand({2, 5, 32})));
}

at::Tensor draw_tokens(at::IntArrayRef sizes, uint64_t index) {
  return at::randn(sizes, generator_for(3, "attention test", 0, index),
                   at::TensorOptions().dtype(at::kDouble));
}

TEST(Attention, PermutesItsOutputWithItsTokensAndKeepsRowsOfABatchApart) {
  auto attention = make(16, 0, 4, true);
  const auto tokens = draw_tokens({2, 6, 16}, 4).to(at::kFloat);
  const auto run = [&](const at::Tensor& input) {
    const auto heads = attention->project(input);
    return attention->project_output(ops::attention(heads.query, heads.key, heads.value));
  };
  const auto order = at::tensor({4, 1, 5, 0, 2, 3}, at::kLong);
  const auto output = run(tokens);
  EXPECT_TRUE(all_close(run(tokens.index_select(1, order)), output.index_select(1, order), 1e-5));
  EXPECT_TRUE(all_close(run(tokens.narrow(0, 1, 1))[0], output[1], 1e-5));
}

TEST(Attention, HasTheGradientOfItsValuesInDoublePrecision) {
  auto attention = make(8, 12, 2, false);
  attention->to(at::kDouble);
  const auto tokens = draw_tokens({1, 3, 8}, 5), context = draw_tokens({1, 4, 12}, 6);
  const auto weights = draw_tokens({1, 3, 8}, 7);
  const auto run = [&](const at::Tensor& queries, const at::Tensor& seen) {
    const auto heads = attention->project_context(seen);
    const auto attended = ops::attention(attention->project_query(queries), heads.key, heads.value);
    return (attention->project_output(attended) * weights).sum();
  };
  EXPECT_TRUE(testing::has_right_gradient(
      [&](const at::Tensor& input) { return run(input, context); }, tokens));
  EXPECT_TRUE(testing::has_right_gradient(
      [&](const at::Tensor& input) { return run(tokens, input); }, context));
}

TEST(Attention, WithNormedHeadsHasQueriesAndKeysOfOneLength) {
  auto attention = make(32, 48, 4, true);
  const auto query = attention->project_query(draw_tokens({2, 5, 32}, 8).to(at::kFloat) * 100.0);
  const auto context = attention->project_context(draw_tokens({2, 7, 48}, 9).to(at::kFloat) * 0.1);
  for (const auto& heads : {query, context.key}) {
    const auto length = heads.norm(2, -1);
    EXPECT_TRUE(all_close(length, at::full_like(length, std::sqrt(8.0)), 1e-3));
  }
}

TEST(Attention, HasTheKeysOfTheCheckpoints) {
  AttentionSizes sizes;
  sizes.width = 32;
  sizes.context_width = 48;
  sizes.num_heads = 4;
  sizes.qk_norm = true;
  sizes.normed_context = true;
  const auto parameters = Attention(sizes)->named_parameters();
  for (const char* key :
       {"to_q.weight", "to_k.weight", "to_v.weight", "to_out.0.weight", "to_out.0.bias",
        "norm_q.weight", "norm_k.weight", "norm_cross.weight", "norm_cross.bias"}) {
    EXPECT_TRUE(parameters.contains(key)) << key;
  }
  EXPECT_EQ(parameters.size(), 9U);
}

TEST(Attention, RefusesAWidthThatDoesNotDivideIntoHeads) {
  EXPECT_THROW(make(30, 0, 4, false), c10::Error);
}

TEST_P(OpsFixture, EmbeddingsOfPointsAgreeWithTripoSG) {
  const auto points = input("points");
  EXPECT_TRUE(all_close(embed_points(points, 8, false), output("freq_embed_pi0"), 1e-6));
  EXPECT_TRUE(all_close(embed_points(points, 8, true), output("freq_embed_pi1"), 1e-5));
}

TEST_P(OpsFixture, EmbeddingsOfNoiseLevelsAreTheSinusoidOfAThousandTimes) {
  const auto timesteps = input("timesteps");
  EXPECT_TRUE(all_close(embed_noise_level(timesteps / 1000.0, 64), output("timestep_embed"), 1e-4));
}

TEST_P(OpsFixture, NormsAgreeDownToTinyVariances) {
  const auto rows = input("small_var");
  const torch::NoGradGuard no_grad;
  const auto check = [&](auto norm, const char* expected) {
    auto parameters = norm->named_parameters();
    parameters["weight"].copy_(input("norm_w"));
    if (parameters.contains("bias")) {
      parameters["bias"].copy_(input("norm_b"));
    }
    EXPECT_TRUE(all_close(norm(rows), output(expected), 1e-6)) << expected;
  };
  check(LayerNorm(32, 1e-5), "layer_norm_eps1e-05");
  check(LayerNorm(32, 1e-6), "layer_norm_eps1e-06");
  check(RmsNorm(32, 1e-6), "rms_norm_eps1e-06");
}

}  // namespace
}  // namespace moca::nn
