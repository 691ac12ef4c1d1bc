#include "src/dit/moc_global_attention.h"

#include <gtest/gtest.h>

#include "moca/dit/component_layout.h"
#include "moca/dit/component_router.h"
#include "tests/dit/small_dit.h"

namespace moca::dit {
namespace {

// Three components of vecset tokens, then compressed ones, then the anchor.
class Moc : public ::testing::Test {
 protected:
  Moc() {
    torch::manual_seed(9);
    router_ = ComponentRouter(config_);
    router_->eval();
    const torch::NoGradGuard no_grad;
    for (auto& parameter : router_->parameters()) {
      parameter.zero_();  // all equally important, whatever the anchors
    }
  }

  // What another value of one token of component 2 moves in the output of component 0, which
  // selects component 1 (the first of equals) and sees component 2 compressed.
  double change_by_token(int64_t token) {
    const torch::NoGradGuard no_grad;
    const auto tokens = random_tensor({3, kL + config_.num_compressed_tokens + 1, config_.width});
    auto changed = tokens.clone();
    changed[2][token] += random_tensor({config_.width}, 77);
    return change(output_of(changed)[0], output_of(tokens)[0]);
  }

  at::Tensor output_of(const at::Tensor& tokens) {
    const auto layout = std::make_shared<const ComponentLayout>(at::ones({1, 3}, at::kBool));
    return MocGlobalAttention(config_).forward({small_attention(), router_}, tokens, {layout});
  }

  DitConfig config_ = small_config();  // k = 1, M = 3
  ComponentRouter router_{nullptr};
};

TEST_F(Moc, OfAComponentThatIsNotSelectedSeesTheCompressedTokensAlone) {
  const int64_t M = config_.num_compressed_tokens;
  for (int64_t token = 0; token < kL; ++token) {
    EXPECT_EQ(change_by_token(token), 0.0) << "vecset token " << token;
  }
  for (int64_t token = kL; token < kL + M; ++token) {
    EXPECT_GT(change_by_token(token), 0.0) << "compressed token " << token - kL;
  }
  EXPECT_EQ(change_by_token(kL + M), 0.0) << "the anchor";
}

}  // namespace
}  // namespace moca::dit
