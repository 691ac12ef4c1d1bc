#include "moca/dit/router_statistics.h"

#include <ATen/ATen.h>

#include <cmath>

#include "moca/core/shapes.h"

namespace moca::dit {

RouterStatistics statistics_of(const ops::Routing& routing) {
  const c10::NoGradGuard no_grad;
  const auto [B, N, H, M] = shape<4>(routing.importance, "importance [B, N, H, N]");
  TORCH_CHECK(N > 1, "a routing between ", N, " components has no statistics");
  const auto importance = routing.importance.detach().to(at::kFloat);
  const auto is_other = at::eye(N, importance.options()).eq(0).view({1, N, 1, N});
  const auto others = at::where(is_other, importance, 0.0);
  const auto share = others / others.sum(-1, /*keepdim=*/true).clamp_min(1e-12);
  const auto number = [&](double value) { return at::full({}, value, importance.options()); };
  RouterStatistics statistics;
  statistics.importance = others.sum() / static_cast<double>(B * N * H * (N - 1));
  // One other alone is all there is.
  statistics.entropy =
      N == 2 ? number(1.0)
             : -at::xlogy(share, share).sum(-1).mean() / std::log(static_cast<double>(N - 1));
  statistics.load = number(0.0);
  if (routing.selected.size(-1) > 0) {
    const auto times = at::zeros({B, N}, importance.options());
    const auto chosen = routing.selected.reshape({B, -1});
    times.scatter_add_(1, chosen, at::ones_like(chosen, importance.options()));
    statistics.load = (times.amax(1) / times.mean(1)).mean();
  }
  return statistics;
}

}  // namespace moca::dit
