#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "moca/core/shapes.h"
#include "moca/core/transfer.h"
#include "moca/ops/float_product.h"
#include "moca/ops/moc_attention.h"

#ifdef MOCA_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "routing.cuh"
#endif

namespace moca::ops {
namespace {

template <typename Number>
void activate_row(Number* row, int64_t N, int64_t own, RouterActivation activation) {
  if (activation == RouterActivation::kSigmoid) {
    for (int64_t j = 0; j < N; ++j) {
      row[j] = 1 / (1 + std::exp(-row[j]));
    }
    return;
  }
  row[own] = N > 1 ? -std::numeric_limits<Number>::infinity() : 0;
  const Number maximum = *std::max_element(row, row + N);
  Number sum = 0;
  for (int64_t j = 0; j < N; ++j) {
    row[j] = std::exp(row[j] - maximum);
    sum += row[j];
  }
  for (int64_t j = 0; j < N; ++j) {
    row[j] /= sum;
  }
}

// The same in one pass where nobody differentiates: between two components a dozen operations on
// tensors would take longer than a hundredth of their block.
template <typename T>
RouterScores scores_in_one_pass(const at::Tensor& anchor_query, const at::Tensor& anchor_key,
                                RouterActivation activation) {
  using Number = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const int64_t B = anchor_query.size(0), N = anchor_query.size(1), H = anchor_query.size(2);
  const int64_t K = anchor_query.size(3);
  const auto scale = static_cast<Number>(1 / std::sqrt(static_cast<double>(K)));
  auto logits = at::empty({B, N, H, N},
                          anchor_query.options().dtype(c10::CppTypeToScalarType<Number>::value));
  const auto vector_of = [](const at::Tensor& anchors, int64_t b, int64_t i, int64_t h) {
    return anchors.const_data_ptr<T>() + b * anchors.stride(0) + i * anchors.stride(1) +
           h * anchors.stride(2);
  };
  auto* row = logits.template mutable_data_ptr<Number>();
  for (int64_t r = 0; r < B * N * H; ++r, row += N) {
    const int64_t h = r % H, i = r / H % N, b = r / H / N;
    const T* const query = vector_of(anchor_query, b, i, h);
    for (int64_t j = 0; j < N; ++j) {
      const T* const key = vector_of(anchor_key, b, j, h);
      Number dot = 0;
      for (int64_t c = 0; c < K; ++c) {
        dot += static_cast<Number>(query[c]) * static_cast<Number>(key[c]);
      }
      row[j] = dot * scale;
    }
  }
  auto importance = logits.clone();
  row = importance.template mutable_data_ptr<Number>();
  for (int64_t r = 0; r < B * N * H; ++r, row += N) {
    activate_row(row, N, r / H % N, activation);
  }
  return {logits, importance};
}

RouterScores scores_without_record(const at::Tensor& anchor_query, const at::Tensor& anchor_key,
                                   RouterActivation activation) {
  const auto type = anchor_query.scalar_type();
  const bool plain = anchor_query.is_cpu() && anchor_key.is_cpu() &&
                     anchor_key.scalar_type() == type && anchor_query.stride(3) == 1 &&
                     anchor_key.stride(3) == 1;
  if (plain && type == at::kFloat) {
    return scores_in_one_pass<float>(anchor_query, anchor_key, activation);
  }
  if (plain && type == at::kBFloat16) {
    return scores_in_one_pass<c10::BFloat16>(anchor_query, anchor_key, activation);
  }
  if (plain && type == at::kDouble) {
    return scores_in_one_pass<double>(anchor_query, anchor_key, activation);
  }
  return router_scores(anchor_query, anchor_key, activation);
}

// What is no number ranks last, so that every component is listed once whatever the keys are.
float rankable(float key) {
  return std::isnan(key) ? -std::numeric_limits<float>::infinity() : key;
}

// One pass over the N candidates of every row of keys [B, N, H, N], with no sort: k times the
// largest of those left (the first of equals), then who was never taken.
void select_on_cpu(const at::Tensor& keys, Selection& found) {
  const int64_t B = keys.size(0), N = keys.size(1), H = keys.size(2);
  const int64_t num_selected = found.selected.size(3);
  const auto rows = keys.contiguous();
  const float* row = rows.const_data_ptr<float>();
  int64_t* selected = found.selected.mutable_data_ptr<int64_t>();
  int64_t* rest = found.rest.mutable_data_ptr<int64_t>();
  std::vector<bool> taken(N);
  for (int64_t r = 0; r < B * N * H; ++r, row += N) {
    std::fill(taken.begin(), taken.end(), false);
    taken[r / H % N] = true;  // itself
    for (int64_t s = 0; s < num_selected; ++s) {
      int64_t best = -1;
      for (int64_t j = 0; j < N; ++j) {
        best = !taken[j] && (best < 0 || rankable(row[j]) > rankable(row[best])) ? j : best;
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
}

#ifdef MOCA_CUDA
// The same by a kernel, without a round trip to the host.
void select_on_gpu(const at::Tensor& keys, Selection& found) {
  const int64_t B = keys.size(0), N = keys.size(1), H = keys.size(2);
  TORCH_CHECK(N <= kMostSelectable, "routing takes at most ", kMostSelectable,
              " components on a GPU, got ", N);
  const c10::cuda::CUDAGuard guard(keys.device());
  const int failure = launch_select_components(
      keys.contiguous().const_data_ptr<float>(), found.selected.mutable_data_ptr<int64_t>(),
      found.rest.mutable_data_ptr<int64_t>(), B * N * H, static_cast<int32_t>(N),
      static_cast<int32_t>(H), static_cast<int32_t>(found.selected.size(3)),
      c10::cuda::getCurrentCUDAStream(keys.device().index()).stream());
  TORCH_CHECK(failure == 0, "routing on ", keys.device(), ": CUDA error ", failure);
}
#endif

}  // namespace

RouterScores router_scores(const at::Tensor& anchor_query, const at::Tensor& anchor_key,
                           RouterActivation activation) {
  const auto N = anchor_query.sym_size(1);
  const int64_t K = anchor_query.sym_size(3).guard_int(__FILE__, __LINE__);
  const auto scale = std::sqrt(static_cast<double>(K));
  const auto logits =
      float_product(anchor_query.transpose(1, 2), anchor_key.transpose(1, 2)) / scale;
  if (activation == RouterActivation::kSigmoid) {
    return {logits.transpose(1, 2), at::sigmoid(logits).transpose(1, 2)};
  }
  // Softmax over the others; a lone component has none.
  const double masked = N > 1 ? -std::numeric_limits<double>::infinity() : 0.0;
  const auto self = at::eye_symint(N, logits.options().dtype(at::kBool));  // [N, N]
  return {logits.transpose(1, 2),
          at::softmax(logits.masked_fill(self, masked), -1).transpose(1, 2)};
}

at::Tensor ranking(const RouterScores& scores, const RoutingOptions& options,
                   const at::Tensor& uniform) {
  const auto logits = scores.logits.detach();
  if (!options.stochastic) {
    return logits.to(at::kFloat);
  }
  const auto drawn = uniform.to(at::kDouble).clamp_min(1e-12);
  const auto gumbel = to_device((-(-drawn.log()).log()).to(at::kFloat), logits.device());
  const bool of_sigmoid = options.activation == RouterActivation::kSigmoid &&
                          options.sampling == RouterSampling::kImportance;
  return (of_sigmoid ? at::log_sigmoid(logits) : logits).to(at::kFloat) + gumbel;
}

Selection select_components(const at::Tensor& ranking, int64_t num_selected) {
  TORCH_CHECK(num_selected >= 0, "num_selected must be at least 0, got ", num_selected);
  const auto [B, N, H, M] = shape<4>(ranking, "ranking [B, N, H, N]");
  expect_shape(ranking, {B, N, H, N}, "ranking [B, N, H, N]");
  TORCH_CHECK(N >= 1 && ranking.scalar_type() == at::kFloat,
              "expected ranking in float, of one component or more, got ", ranking.toString(), " ",
              ranking.sizes());
  const int64_t fitting = std::min(num_selected, N - 1);
  const auto indices = ranking.options().dtype(at::kLong);
  Selection found{at::empty({B, N, H, fitting}, indices),
                  at::empty({B, N, H, N - 1 - fitting}, indices)};
#ifdef MOCA_CUDA
  if (ranking.is_cuda()) {
    select_on_gpu(ranking, found);
    return found;
  }
#endif
  TORCH_CHECK(ranking.is_cpu(), "routing was built without CUDA, got anchors on ",
              ranking.device());
  select_on_cpu(ranking, found);
  return found;
}

Routing route(const at::Tensor& anchor_query, const at::Tensor& anchor_key,
              const RoutingOptions& options, const std::optional<at::Generator>& generator) {
  const auto [B, N, H, K] = shape<4>(anchor_query, "anchor_query [B, N, H, K]");
  expect_shape(anchor_key, {B, N, H, K}, "anchor_key [B, N, H, K]");
  expect_device_of(anchor_query, "anchor_query", anchor_key, "anchor_key");
  at::Tensor uniform;
  if (options.stochastic) {
    TORCH_CHECK(generator.has_value(), "stochastic routing needs a generator");
    uniform = at::rand({B, N, H, N}, generator, at::TensorOptions().dtype(at::kDouble));
  }
  const auto scores = at::GradMode::is_enabled()
                          ? router_scores(anchor_query, anchor_key, options.activation)
                          : scores_without_record(anchor_query, anchor_key, options.activation);
  const auto found = select_components(ranking(scores, options, uniform), options.num_selected);
  return {scores.importance, found.selected, found.rest};
}

}  // namespace moca::ops
