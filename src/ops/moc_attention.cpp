#include "moca/ops/moc_attention.h"

#include <ATen/ATen.h>

#include "moc_backends.h"
#include "moca/core/shapes.h"
#include "tiled_attention.h"
#include "tiled_function.h"

namespace moca::ops {
namespace {

MocSizes check(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
               const at::Tensor& compressed_key, const at::Tensor& compressed_value,
               const MocPlan& plan) {
  const auto [B, N, H, L, K] = shape<5>(query, "query [B, N, H, L, K]");
  expect_shape(key, {B, N, H, L, K}, "key [B, N, H, L, K]");
  expect_shape(value, {B, N, H, L, K}, "value [B, N, H, L, K]");
  expect_shape(plan.routing.importance, {B, N, H, N}, "importance [B, N, H, N]");
  expect_shape(plan.routing.selected, {B, N, H, -1}, "selected [B, N, H, k]");
  const int64_t num_selected = plan.routing.selected.size(3);
  const int64_t num_rest = N - 1 - num_selected;
  TORCH_CHECK(num_rest >= 0, "selected names ", num_selected, " of ", N - 1, " other components");
  expect_shape(plan.routing.rest, {B, N, H, num_rest}, "rest [B, N, H, N - 1 - k]");
  int64_t M = 0;
  if (num_rest > 0 && plan.attend_compressed) {
    M = shape<5>(compressed_key, "compressed_key [B, N, H, M, K]")[3];
    expect_shape(compressed_key, {B, N, H, M, K}, "compressed_key [B, N, H, M, K]");
    expect_shape(compressed_value, {B, N, H, M, K}, "compressed_value [B, N, H, M, K]");
  }
  return {B, N, H, L, K, M, num_selected, num_rest};
}

}  // namespace

at::Tensor moc_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                         const at::Tensor& compressed_key, const at::Tensor& compressed_value,
                         const MocPlan& plan) {
  const auto sizes = check(query, key, value, compressed_key, compressed_value, plan);
  MocInput input{in_autocast_type(query), in_autocast_type(key), in_autocast_type(value), {}, {}};
  if (sizes.M > 0) {
    input.compressed_key = in_autocast_type(compressed_key);
    input.compressed_value = in_autocast_type(compressed_value);
  }
  auto backend = plan.backend;
  if (backend == MocBackend::kAuto) {
    backend =
        tiles_apply(input.query, input.key, input.value) ? MocBackend::kTiled : MocBackend::kPacked;
  }
  switch (backend) {
    case MocBackend::kDefinition:
      return moc_attention_definition(input, plan, sizes);
    case MocBackend::kTiled:
      return moc_attention_tiled(input, plan, sizes);
    default:
      return moc_attention_packed(input, plan, sizes);
  }
}

}  // namespace moca::ops
