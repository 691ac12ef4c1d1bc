#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "moca/core/shapes.h"
#include "moca/ops/moc_attention.h"

namespace moca::ops {
namespace {

// What components are ranked by: importance, or importance plus Gumbel noise on its logarithm,
// whose top k is a sample without replacement in proportion to importance (Gumbel top-k, Kool et
// al. 2019).
at::Tensor ranking_keys(const at::Tensor& importance, const RoutingOptions& options,
                        const std::optional<at::Generator>& generator) {
  const auto detached = importance.detach().to(at::kFloat);
  if (!options.stochastic) {
    return detached;
  }
  TORCH_CHECK(generator.has_value(), "stochastic routing needs a generator");
  const auto uniform = at::rand(detached.sizes(), generator, at::TensorOptions().dtype(at::kDouble))
                           .clamp_min(1e-12);
  const auto gumbel = (-(-uniform.log()).log()).to(at::kFloat).to(detached.device());
  return detached.clamp_min(1e-20F).log() + gumbel;
}

}  // namespace

Routing route(const at::Tensor& anchor_query, const at::Tensor& anchor_key,
              const RoutingOptions& options, const std::optional<at::Generator>& generator) {
  const auto [B, N, H, K] = shape<4>(anchor_query, "anchor_query [B, N, H, K]");
  expect_shape(anchor_key, {B, N, H, K}, "anchor_key [B, N, H, K]");
  TORCH_CHECK(options.num_selected >= 0, "num_selected must be at least 0, got ",
              options.num_selected);
  // Eq. 4. In float: bf16 scores would tie.
  const auto query = anchor_query.transpose(1, 2).to(at::kFloat);  // [B, H, N, K]
  const auto key = anchor_key.transpose(1, 2).to(at::kFloat);      // [B, H, N, K]
  const auto logits = at::matmul(query, key.transpose(2, 3)) / std::sqrt(static_cast<double>(K));
  const auto self = at::eye(N, logits.options().dtype(at::kBool));  // [N, N]

  Routing routing;
  if (options.activation == RouterActivation::kSigmoid) {
    routing.importance = at::sigmoid(logits);
  } else {
    // Softmax over the others; a lone component has none.
    const double masked = N > 1 ? -std::numeric_limits<double>::infinity() : 0.0;
    routing.importance = at::softmax(logits.masked_fill(self, masked), -1);
  }
  routing.importance = routing.importance.transpose(1, 2);  // [B, N, H, N]

  const int64_t num_selected = std::min(options.num_selected, N - 1);
  const auto own = self.reshape({1, N, 1, N});
  const auto keys = ranking_keys(routing.importance, options, generator)
                        .masked_fill(own, -std::numeric_limits<float>::infinity());
  routing.selected = std::get<1>(keys.topk(num_selected, -1, true, true));  // [B, N, H, k]
  // The others in ascending order: a stable sort moves the taken ones (own, selected) to the end.
  const auto taken = own.expand({B, N, H, N}).to(at::kInt).scatter(-1, routing.selected, 1);
  routing.rest = std::get<1>(taken.sort(true, -1, false)).narrow(-1, 0, N - 1 - num_selected);
  return routing;
}

}  // namespace moca::ops
