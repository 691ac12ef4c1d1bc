#include "moca/ops/moc_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "moc_backends.h"
#include "moca/core/shapes.h"
#include "tiled_attention.h"
#include "tiled_function.h"

namespace moca::ops {
namespace {

MocSizes check_shapes(const AttentionInput& input, const MocPlan& plan) {
  const auto [B, N, H, L, K] = shape<5>(input.query, "query [B, N, H, L, K]");
  TORCH_CHECK(input.query.numel() > 0, "query [B, N, H, L, K] = ", input.query.sizes(),
              " has an empty axis");
  expect_shape(input.full.key, {B, N, H, L, K}, "key [B, N, H, L, K]");
  expect_shape(input.full.value, {B, N, H, L, K}, "value [B, N, H, L, K]");
  expect_shape(plan.routing.importance, {B, N, H, N}, "importance [B, N, H, N]");
  expect_shape(plan.routing.selected, {B, N, H, -1}, "selected [B, N, H, k]");
  const int64_t num_selected = plan.routing.selected.size(3);
  const int64_t num_rest = N - 1 - num_selected;
  TORCH_CHECK(num_rest >= 0, "selected names ", num_selected, " of ", N - 1, " other components");
  expect_shape(plan.routing.rest, {B, N, H, num_rest}, "rest [B, N, H, N - 1 - k]");
  int64_t M = 0;
  if (num_rest > 0 && plan.attend_compressed) {
    M = shape<5>(input.compressed.key, "compressed_key [B, N, H, M, K]")[3];
    TORCH_CHECK(M > 0, "compressed_key [B, N, H, M, K] = ", input.compressed.key.sizes(),
                " has no tokens");
    expect_shape(input.compressed.key, {B, N, H, M, K}, "compressed_key [B, N, H, M, K]");
    expect_shape(input.compressed.value, {B, N, H, M, K}, "compressed_value [B, N, H, M, K]");
  }
  return {B, N, H, L, K, M, num_selected, num_rest};
}

void expect_type_of_query(const at::Tensor& tensor, const at::Tensor& query, const char* name) {
  TORCH_CHECK(!tensor.defined() || tensor.scalar_type() == query.scalar_type(), name, " is ",
              tensor.scalar_type(), ", query is ", query.scalar_type(),
              ": they must be of one type");
}

// Who is named: components of the asset, not the own one, each once.
// Read where that costs nothing, on the CPU.
void check_routing(const Routing& routing) {
  const int64_t B = routing.importance.size(0), N = routing.importance.size(1);
  const int64_t H = routing.importance.size(2);
  std::vector<bool> named(N);
  for (int64_t row = 0; row < B * N * H; ++row) {
    std::fill(named.begin(), named.end(), false);
    const int64_t own = row / H % N;
    named[own] = true;
    const auto check_list = [&](const at::Tensor& list, const char* name) {
      const int64_t count = list.size(3);
      for (int64_t s = 0; s < count; ++s) {
        const int64_t j = list.const_data_ptr<int64_t>()[row * count + s];
        TORCH_CHECK(j >= 0 && j < N && !named[j], name, " names component ", j, " for component ",
                    own, " of ", N, ": it must be another one, and be named once");
        named[j] = true;
      }
    };
    check_list(routing.selected, "selected [B, N, H, k]");
    check_list(routing.rest, "rest [B, N, H, N - 1 - k]");
  }
}

// Before tokens are cast or an output is allocated.
MocSizes check(const AttentionInput& input, MocPlan& plan) {
  const auto sizes = check_shapes(input, plan);
  auto& routing = plan.routing;
  const std::pair<const at::Tensor&, const char*> others[] = {
      {input.full.key, "key"},
      {input.full.value, "value"},
      {input.compressed.key, "compressed_key"},
      {input.compressed.value, "compressed_value"},
      {routing.importance, "importance"},
      {routing.selected, "selected"},
      {routing.rest, "rest"}};
  for (const auto& [tensor, name] : others) {
    expect_device_of(input.query, "query", tensor, name);
  }
  if (input.query.device().is_cpu()) {
    routing.selected = routing.selected.to(at::kLong).contiguous();
    routing.rest = routing.rest.to(at::kLong).contiguous();
    check_routing(routing);
  }
  return sizes;
}

}  // namespace

at::Tensor moc_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                         const at::Tensor& compressed_key, const at::Tensor& compressed_value,
                         const MocPlan& plan) {
  AttentionInput input{query, {key, value}, {compressed_key, compressed_value}};
  MocPlan checked = plan;
  const auto sizes = check(input, checked);
  if (sizes.M == 0) {
    input.compressed = {};
  }
  input = input.transformed(in_autocast_type);
  expect_type_of_query(input.full.key, input.query, "key");
  expect_type_of_query(input.full.value, input.query, "value");
  expect_type_of_query(input.compressed.key, input.query, "compressed_key");
  expect_type_of_query(input.compressed.value, input.query, "compressed_value");
  if (sizes.num_selected == 0 && !plan.gate_compressed) {
    checked.gate_target = GateTarget::kNone;  // nothing is left that a gate would multiply
  }
  auto backend = plan.backend;
  if (backend == MocBackend::kAuto) {
    backend = tiles_apply(input.query, input.full.key, input.full.value) ? MocBackend::kTiled
                                                                         : MocBackend::kPacked;
  }
  switch (backend) {
    case MocBackend::kDefinition:
      return moc_attention_definition(input, checked, sizes);
    case MocBackend::kTiled:
      return moc_attention_tiled(input, checked, sizes);
    default:
      return moc_attention_packed(input, checked, sizes);
  }
}

}  // namespace moca::ops
