#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "moca/core/generator.h"
#include "moca/dit/component_router.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"

namespace moca::dit {
namespace {

using testing::all_close;

// Eq. 4 written out: who asks gives the query, who is asked gives the key.
TEST(ComponentRouter, ImportanceIsTheOwnQueryOnTheOthersKey) {
  torch::manual_seed(3);
  const auto config = testing::tiny_dit_config();
  ComponentRouter router(config);
  router->eval();
  const torch::NoGradGuard no_grad;
  const auto anchors =
      at::randn({2, 5, config.width}, generator_for(8, "anchors"), at::TensorOptions());
  const auto parameters = router->named_parameters();
  const int64_t K = config.width / config.num_heads;
  const auto heads = [&](const char* name) {
    return at::matmul(anchors, parameters[name].t()).view({2, 5, config.num_heads, K});
  };
  const auto query = heads("to_q.weight"), key = heads("to_k.weight");
  const auto routing = router->forward(anchors, std::nullopt);
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t j = 0; j < 5; ++j) {
      const auto logit = (query.select(1, i) * key.select(1, j)).sum(-1) / std::sqrt(K);  // [B, H]
      const auto importance = routing.importance.select(1, i).select(2, j);
      EXPECT_TRUE(all_close(importance, logit.sigmoid(), 1e-5)) << i << " to " << j;
    }
  }
}

}  // namespace
}  // namespace moca::dit
