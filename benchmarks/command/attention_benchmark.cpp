#include "attention_benchmark.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "moca/core/generator.h"
#include "moca/ops/attention.h"
#include "moca/ops/moc_attention.h"

namespace moca::benchmarks {
namespace {

struct Inputs {
  at::Tensor query, key, value, compressed_key, compressed_value;  // [1, N, H, L or M, K]
  ops::MocPlan plan;
};

Inputs draw(const BenchmarkOptions& options, int64_t N) {
  const int64_t K = options.width / options.num_heads;
  uint64_t count = 0;
  // As the projections give them: the heads of a token lie together.
  const auto heads = [&](int64_t S) {
    return at::randn({1, N, S, options.num_heads, K}, generator_for(0, "benchmark", N, count++),
                     at::TensorOptions())
        .to(options.device, options.type)
        .transpose(2, 3)
        .detach()
        .requires_grad_();
  };
  Inputs inputs{heads(options.num_tokens),
                heads(options.num_tokens),
                heads(options.num_tokens),
                heads(options.num_compressed_tokens),
                heads(options.num_compressed_tokens),
                {}};
  const auto anchors = [&] { return heads(1).detach().squeeze(3); };  // [1, N, H, K]
  inputs.plan.routing =
      ops::route(anchors(), anchors(),
                 {options.num_selected, ops::RouterActivation::kSigmoid, false}, std::nullopt);
  inputs.plan.routing.importance = inputs.plan.routing.importance.detach().requires_grad_();
  return inputs;
}

at::Tensor moc(const Inputs& in) {
  return ops::moc_attention(in.query, in.key, in.value, in.compressed_key, in.compressed_value,
                            in.plan);
}

at::Tensor dense(const Inputs& in) { return ops::attention_between(in.query, in.key, in.value); }

void differentiate(const at::Tensor& output, const std::vector<at::Tensor>& inputs,
                   const at::Tensor& gradient) {
  torch::autograd::grad({output}, inputs, {gradient}, false, false, true);
}

}  // namespace

AttentionRow time_attention(const BenchmarkOptions& options, int64_t num_components) {
  const auto in = draw(options, num_components);
  const auto gradient = at::ones_like(in.query.detach());
  const auto forward = [](const auto& attention) {
    return [&attention] {
      const torch::NoGradGuard no_grad;
      attention();
    };
  };
  const auto run_dense = [&] { return dense(in); };
  const auto run_moc = [&] { return moc(in); };
  const auto train_dense = [&] {
    differentiate(dense(in), {in.query, in.key, in.value}, gradient);
  };
  // All components' tokens side by side: [1, H, N * S, K].
  const auto joined = [](const at::Tensor& heads) {
    return heads.detach().transpose(1, 2).flatten(2, 3).contiguous().requires_grad_();
  };
  const auto query = joined(in.query), key = joined(in.key), value = joined(in.value);
  const auto run_sdpa = [&] { return at::scaled_dot_product_attention(query, key, value); };
  const auto sdpa_gradient = at::ones_like(query.detach());
  const auto train_sdpa = [&] { differentiate(run_sdpa(), {query, key, value}, sdpa_gradient); };
  const auto train_moc = [&] {
    differentiate(moc(in),
                  {in.query, in.key, in.value, in.compressed_key, in.compressed_value,
                   in.plan.routing.importance},
                  gradient);
  };
  const auto times = time_in_turn(
      {forward(run_dense), forward(run_moc), forward(run_sdpa), train_dense, train_moc, train_sdpa},
      options.rounds, options.device);
  AttentionRow row;
  row.components = num_components;
  row.dense = times[0], row.moc = times[1], row.sdpa = times[2];
  row.dense_training = times[3], row.moc_training = times[4], row.sdpa_training = times[5];
  row.dense_memory_gib = peak_memory_gib(train_dense, options.device);
  row.moc_memory_gib = peak_memory_gib(train_moc, options.device);
  return row;
}

}  // namespace moca::benchmarks
