#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

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

struct Selection {
  at::Tensor selected, rest;
};

// One pass over the N candidates of every row of keys [B, N, H, N], with no sort: k times the
// largest of those left (the first of equals), then who was never taken.
Selection select_on_cpu(const at::Tensor& keys, int64_t num_selected) {
  const int64_t B = keys.size(0), N = keys.size(1), H = keys.size(2);
  const auto options = keys.options().dtype(at::kLong);
  Selection result{at::empty({B, N, H, num_selected}, options),
                   at::empty({B, N, H, N - 1 - num_selected}, options)};
  const auto rows = keys.contiguous();
  const float* row = rows.const_data_ptr<float>();
  int64_t* selected = result.selected.mutable_data_ptr<int64_t>();
  int64_t* rest = result.rest.mutable_data_ptr<int64_t>();
  std::vector<bool> taken(N);
  for (int64_t r = 0; r < B * N * H; ++r, row += N) {
    std::fill(taken.begin(), taken.end(), false);
    taken[r / H % N] = true;  // itself
    for (int64_t s = 0; s < num_selected; ++s) {
      int64_t best = -1;
      for (int64_t j = 0; j < N; ++j) {
        best = !taken[j] && (best < 0 || row[j] > row[best]) ? j : best;
      }
      taken[best] = true;
      *selected++ = best;
    }
    for (int64_t j = 0; j < N; ++j) {
      if (!taken[j]) {
        *rest++ = j;
      }
    }
  }
  return result;
}

// The same in tensor operations, without a round trip to the host.
Selection select_on_device(const at::Tensor& keys, const at::Tensor& own, int64_t num_selected) {
  const int64_t N = keys.size(1);
  const auto others = keys.masked_fill(own, -std::numeric_limits<float>::infinity());
  Selection result;
  result.selected = std::get<1>(others.topk(num_selected, -1, true, true));
  // The others in ascending order: a stable sort moves the taken ones (own, selected) to the end.
  const auto taken = own.expand(keys.sizes()).to(at::kInt).scatter(-1, result.selected, 1);
  result.rest = std::get<1>(taken.sort(true, -1, false)).narrow(-1, 0, N - 1 - num_selected);
  return result;
}

}  // namespace

Routing route(const at::Tensor& anchor_query, const at::Tensor& anchor_key,
              const RoutingOptions& options, const std::optional<at::Generator>& generator) {
  const auto [B, N, H, K] = shape<4>(anchor_query, "anchor_query [B, N, H, K]");
  expect_shape(anchor_key, {B, N, H, K}, "anchor_key [B, N, H, K]");
  TORCH_CHECK(options.num_selected >= 0, "num_selected must be at least 0, got ",
              options.num_selected);
  // Eq. 4. Never in bf16: its scores would tie.
  const auto type = at::promote_types(anchor_query.scalar_type(), at::kFloat);
  const auto query = anchor_query.transpose(1, 2).to(type);  // [B, H, N, K]
  const auto key = anchor_key.transpose(1, 2).to(type);      // [B, H, N, K]
  const auto logits = at::matmul(query, key.transpose(2, 3)) / std::sqrt(static_cast<double>(K));
  Routing routing;
  if (options.activation == RouterActivation::kSigmoid) {
    routing.importance = at::sigmoid(logits);
  } else {
    // Softmax over the others; a lone component has none.
    const double masked = N > 1 ? -std::numeric_limits<double>::infinity() : 0.0;
    const auto self = at::eye(N, logits.options().dtype(at::kBool));  // [N, N]
    routing.importance = at::softmax(logits.masked_fill(self, masked), -1);
  }
  routing.importance = routing.importance.transpose(1, 2);  // [B, N, H, N]

  const int64_t num_selected = std::min(options.num_selected, N - 1);
  const auto keys = ranking_keys(routing.importance, options, generator);
  auto selection =
      keys.device().is_cpu()
          ? select_on_cpu(keys, num_selected)
          : select_on_device(keys,
                             at::eye(N, keys.options().dtype(at::kBool)).reshape({1, N, 1, N}),
                             num_selected);
  routing.selected = std::move(selection.selected);
  routing.rest = std::move(selection.rest);
  return routing;
}

}  // namespace moca::ops
