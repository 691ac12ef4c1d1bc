#include "moca/distributed/gradient_sync.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstring>
#include <optional>
#include <string>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "tests/support/ranks.h"

namespace moca::distributed {
namespace {

using ::testing::HasSubstr;
using testing::run_ranks;

// A chain of layers of which one takes part only where `branch` says so; the last never does.
struct Model {
  explicit Model(int64_t width = 16) {
    for (int i = 0; i < 6; ++i) {
      parameters.push_back(
          at::randn({width, width}, generator_for(1, "weights", i), at::TensorOptions())
              .div(4)
              .requires_grad_());
    }
  }

  at::Tensor loss(int64_t micro_batch, bool branch) const {
    const int64_t width = parameters[0].size(0);
    auto x = at::randn({8, width}, generator_for(2, "input", micro_batch), at::TensorOptions());
    for (int i = 0; i < 4; ++i) {
      x = at::tanh(at::mm(x, parameters[i]));
    }
    return (branch ? at::mm(x, parameters[4]) : x).square().mean();
  }

  void forget() {
    for (auto& parameter : parameters) {
      parameter.mutable_grad().reset();
    }
  }

  // The bits of all gradients.
  std::string gradients() const {
    std::string bytes;
    for (const auto& parameter : parameters) {
      const auto& gradient = parameter.grad();
      bytes += gradient.defined() ? std::string(static_cast<const char*>(gradient.const_data_ptr()),
                                                gradient.nbytes())
                                  : "none";
    }
    return bytes;
  }

  std::vector<at::Tensor> parameters;
};

// The plain way, as a reference: all gradients in one tensor, summed after the backward pass.
void sum_in_one(ProcessGroup& group, Model& model) {
  std::vector<at::Tensor> pieces;
  auto used = at::zeros({static_cast<int64_t>(model.parameters.size())}, at::kInt);
  for (size_t i = 0; i < model.parameters.size(); ++i) {
    const auto& gradient = model.parameters[i].grad();
    used[static_cast<int64_t>(i)] = gradient.defined() ? 1 : 0;
    pieces.push_back(
        (gradient.defined() ? gradient : at::zeros_like(model.parameters[i])).flatten());
  }
  group.sum(used, "which parameters took part");
  const auto flat = at::cat(pieces).detach();
  group.sum(flat, "gradients");
  int64_t offset = 0;
  for (size_t i = 0; i < model.parameters.size(); ++i) {
    auto& parameter = model.parameters[i];
    if (used[static_cast<int64_t>(i)].item<int>() > 0) {
      parameter.mutable_grad() = flat.narrow(0, offset, parameter.numel()).view_as(parameter);
    }
    offset += parameter.numel();
  }
}

// The gradients after the third of three steps of `micro_batches` each.
std::string three_steps(ProcessGroup& group, int64_t micro_batches,
                        const std::function<bool(int64_t)>& branch, bool is_reference = false) {
  Model model;
  std::optional<GradientSync> sync;
  if (!is_reference) {
    sync.emplace(group, model.parameters);
  }
  for (int step = 0; step < 3; ++step) {
    model.forget();
    for (int64_t i = group.rank(); i < micro_batches; i += group.size()) {
      const auto loss = model.loss(i, branch(i)) / static_cast<double>(micro_batches);
      const bool last = i + group.size() >= micro_batches;
      is_reference ? loss.backward() : sync->backward(loss, last);
    }
    if (is_reference && !group.alone()) {
      sum_in_one(group, model);
    }
  }
  return model.gradients();
}

const auto kAlways = [](int64_t) { return true; };

double largest_difference(const std::string& a, const std::string& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i + sizeof(float) <= std::min(a.size(), b.size()); i += sizeof(float)) {
    float x = 0, y = 0;
    std::memcpy(&x, a.data() + i, sizeof(float));
    std::memcpy(&y, b.data() + i, sizeof(float));
    largest = std::max(largest, static_cast<double>(std::abs(x - y)));
  }
  return largest;
}

TEST(GradientSync, GivesTheBitsOfOneSumAfterwardsOnEveryRank) {
  for (const int64_t micro_batches : {2, 6}) {
    std::vector<std::string> bits;
    for (const bool is_reference : {false, true}) {
      for (const auto& result : run_ranks(2, [&](ProcessGroup& group) {
             return three_steps(group, micro_batches, kAlways, is_reference);
           })) {
        ASSERT_FALSE(result.threw) << result.text;
        bits.push_back(result.text);
      }
    }
    EXPECT_TRUE(bits[0] == bits[1] && bits[0] == bits[2] && bits[0] == bits[3]) << micro_batches;
  }
}

TEST(GradientSync, ManyRanksGiveTheGradientsOfOneWithTheWholeBatch) {
  ProcessGroup alone;
  const auto whole = three_steps(alone, 6, kAlways);
  for (const int world_size : {2, 3}) {
    const auto results =
        run_ranks(world_size, [&](ProcessGroup& group) { return three_steps(group, 6, kAlways); });
    EXPECT_LE(largest_difference(results[0].text, whole), 1e-7) << world_size;  // gradients ~ 0.1
    EXPECT_EQ(results[0].text, results[world_size - 1].text) << "ranks differ";
  }
}

TEST(GradientSync, RepeatsItsBitsWithThreeRanks) {
  const auto run = [] {
    return run_ranks(3, [](ProcessGroup& group) { return three_steps(group, 3, kAlways); });
  };
  const auto first = run(), second = run();
  EXPECT_EQ(first[0].text, second[0].text);
}

TEST(GradientSync, AParameterOfOneRankAloneHasItsGradientOnAll) {
  const auto only_the_first = [](int64_t micro_batch) { return micro_batch == 0; };
  ProcessGroup alone;
  const auto whole = three_steps(alone, 2, only_the_first);
  for (const bool is_reference : {false, true}) {
    for (const auto& result : run_ranks(2, [&](ProcessGroup& group) {
           return three_steps(group, 2, only_the_first, is_reference);
         })) {
      ASSERT_FALSE(result.threw) << result.text;
      EXPECT_LE(largest_difference(result.text, whole), 1e-7);
      EXPECT_EQ(result.text.substr(result.text.size() - 4), "none") << "of the layer nobody used";
    }
  }
}

TEST(GradientSync, StartsFromTheFirstRanksWeights) {
  const auto results = run_ranks(2, [](ProcessGroup& group) {
    Model model;
    const torch::NoGradGuard no_grad;
    model.parameters[3].add_(group.rank());
    broadcast_parameters(group, model.parameters);
    return std::to_string(model.parameters[3].sum().item<double>());
  });
  EXPECT_FALSE(results[0].threw) << results[0].text;
  EXPECT_EQ(results[0].text, results[1].text);
}

TEST(GradientSync, NoticesOneDifferentBit) {
  const auto results = run_ranks(2, [](ProcessGroup& group) -> std::string {
    Model model;
    check_same_bits(group, model.parameters, "the weights");
    if (group.rank() == 1) {
      auto* word = reinterpret_cast<uint32_t*>(model.parameters[2].data_ptr<float>() + 17);
      *word ^= 1U;
    }
    check_same_bits(group, model.parameters, "the weights");
    return "not noticed";
  });
  for (const auto& result : results) {
    EXPECT_THAT(result.text, HasSubstr("the weights of rank 1 are not those of rank 0"));
  }
}

}  // namespace
}  // namespace moca::distributed
