#include "moca/dit/attention_adapter.h"

#include <gtest/gtest.h>

#include "moca/nn/linear.h"
#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::bit_equal;

// Copies the values of equally named parameters.
void copy_parameters(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  auto target = to.named_parameters();
  for (const auto& item : from.named_parameters()) {
    target[item.key()].copy_(item.value());
  }
}

// The frozen attention and a trained copy of it, mixed per token by a small router:
// P + scale * gate * (Q - P).
class Mixture : public AttentionAdapter {
 public:
  Mixture(const AttentionModules& prior, int64_t width, int64_t context_width, double scale)
      : scale_(scale) {
    nn::AttentionSizes sizes;
    sizes.width = width;
    sizes.context_width = context_width;
    sizes.num_heads = 4;
    sizes.qk_norm = true;
    copy_.attention = register_module("attention", nn::Attention(sizes));
    copy_parameters(*prior.attention, *copy_.attention);
    if (prior.router) {
      copy_.router = register_module("router", ComponentRouter(small_config()));
      copy_parameters(*prior.router, *copy_.router);
    }
    gate_ = register_module("gate", nn::Linear(width, 1));
  }

  at::Tensor forward(const at::Tensor& tokens, const AttentionModules& prior, const Attend& attend,
                     const BlockContext&) override {
    const auto before = attend(prior);
    if (scale_ == 0.0) {
      return before;
    }
    const auto gate = at::sigmoid(gate_(tokens.narrow(1, 0, 1)));  // [n, 1, 1]
    return before + scale_ * gate * (attend(copy_) - before);
  }

 private:
  double scale_;
  AttentionModules copy_;
  nn::Linear gate_{nullptr};
};

// A DiT with a mixture beside every attention.
MocaDit adapted(double scale) {
  auto dit = make(small_config());
  for (auto block : dit->blocks()) {
    block->adapt_self_attention(std::make_shared<Mixture>(block->self_attention(), 32, 0, scale));
    block->adapt_condition_attention(
        0, std::make_shared<Mixture>(AttentionModules{block->condition_attention(0)}, 32,
                                     kImageWidth, scale));
  }
  dit->eval();
  return dit;
}

void change_copies(MocaDit& dit) {
  const torch::NoGradGuard no_grad;
  for (auto& item : dit->named_parameters()) {
    if (item.key().find(".adapter") != std::string::npos) {
      item.value().add_(0.1);
    }
  }
}

TEST(AttentionAdapter, SwitchedOffGivesTheModelsOwnBits) {
  auto dit = adapted(0.0);
  change_copies(dit);
  const auto input = make_input(2, 4);
  EXPECT_TRUE(bit_equal(velocity(dit, input), velocity(make(small_config()), input)));
}

TEST(AttentionAdapter, OfCopiesBeginsAsTheModelItself) {
  const auto input = make_input(2, 4);
  EXPECT_TRUE(bit_equal(velocity(adapted(1.0), input), velocity(make(small_config()), input)));
}

TEST(AttentionAdapter, ChangesWhatTheModelGivesOnceItIsTrained) {
  auto dit = adapted(1.0);
  change_copies(dit);
  const auto input = make_input(2, 4);
  EXPECT_GT(change(velocity(dit, input), velocity(make(small_config()), input)), 1e-4);
}

TEST(AttentionAdapter, IsTrainedWhileTheModelStandsStill) {
  auto dit = adapted(1.0);
  change_copies(dit);
  for (auto& item : dit->named_parameters()) {
    item.value().set_requires_grad(item.key().find(".adapter") != std::string::npos);
  }
  auto input = make_input(2, 4);
  dit->forward(input).square().sum().backward();
  for (const auto& item : dit->named_parameters()) {
    const bool is_adapter = item.key().find(".adapter") != std::string::npos;
    EXPECT_EQ(item.value().grad().defined(), is_adapter) << item.key();
  }
}

}  // namespace
}  // namespace moca::dit
