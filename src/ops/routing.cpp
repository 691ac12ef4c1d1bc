#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "moca/core/shapes.h"
#include "moca/ops/moc_attention.h"

#ifdef MOCA_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "routing.cuh"
#endif

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

#ifdef MOCA_CUDA
// The same by a kernel, without a round trip to the host.
Selection select_on_gpu(const at::Tensor& keys, int64_t num_selected) {
  const int64_t B = keys.size(0), N = keys.size(1), H = keys.size(2);
  TORCH_CHECK(N <= kMostSelectable, "routing takes at most ", kMostSelectable,
              " components on a GPU, got ", N);
  const auto options = keys.options().dtype(at::kLong);
  Selection result{at::empty({B, N, H, num_selected}, options),
                   at::empty({B, N, H, N - 1 - num_selected}, options)};
  const c10::cuda::CUDAGuard guard(keys.device());
  const int failure = launch_select_components(
      keys.contiguous().const_data_ptr<float>(), result.selected.mutable_data_ptr<int64_t>(),
      result.rest.mutable_data_ptr<int64_t>(), B * N * H, static_cast<int32_t>(N),
      static_cast<int32_t>(H), static_cast<int32_t>(num_selected),
      c10::cuda::getCurrentCUDAStream(keys.device().index()).stream());
  TORCH_CHECK(failure == 0, "routing on ", keys.device(), ": CUDA error ", failure);
  return result;
}
#endif

Selection select(const at::Tensor& keys, int64_t num_selected) {
#ifdef MOCA_CUDA
  if (keys.is_cuda()) {
    return select_on_gpu(keys, num_selected);
  }
#endif
  TORCH_CHECK(keys.is_cpu(), "routing was built without CUDA, got anchors on ", keys.device());
  return select_on_cpu(keys, num_selected);
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
  auto selection = select(keys, num_selected);
  routing.selected = std::move(selection.selected);
  routing.rest = std::move(selection.rest);
  return routing;
}

}  // namespace moca::ops
