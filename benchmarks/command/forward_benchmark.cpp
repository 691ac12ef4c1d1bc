#include "forward_benchmark.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <memory>

#include "benchmark_model.h"
#include "moca/dit/block_attention.h"
#include "moca/dit/component_layout.h"
#include "moca/dit/component_router.h"
#include "moca/dit/dit_block.h"
#include "moca/dit/flop_count.h"
#include "moca/nn/default_type.h"
#include "moca/nn/flops.h"
#include "moca/ops/linear.h"
#include "moca/ops/moc_attention.h"

namespace moca::benchmarks {
namespace {

constexpr int64_t kProductRows = 4096, kProductInputs = 512, kProductOutputs = 2048;

// A model with what one block of each kind takes.
struct Model {
  dit::DitConfig config;
  dit::MocaDit whole{nullptr};
  dit::DitBlock global{nullptr}, local{nullptr};
  dit::ComponentRouter router{nullptr};
  at::Tensor tokens;  // [n, S, D]

  Model(const BenchmarkOptions& options, dit::GlobalAttentionKind kind, int64_t N)
      : config(config_of(options, kind)) {
    const nn::DefaultType weights_in(options.type);
    const dit::ConditionKinds conditions = {{"image", options.image_width}};
    whole = dit::MocaDit(config, kLatentChannels, conditions);
    global = dit::DitBlock(config, conditions, 0);
    local = dit::DitBlock(config, conditions, 1);
    router = dit::ComponentRouter(config);
    for (torch::nn::Module* module :
         std::vector<torch::nn::Module*>{whole.get(), global.get(), local.get(), router.get()}) {
      module->to(options.device);
      module->eval();
    }
    const bool packed = kind == dit::GlobalAttentionKind::kMoc;
    const int64_t added = packed ? options.num_compressed_tokens + 1 : 0;
    tokens = draw(options, {N, options.num_tokens + 1 + added, options.width}, "tokens");
  }
};

}  // namespace

ForwardRow time_forward(const BenchmarkOptions& options, int64_t num_components) {
  const torch::NoGradGuard no_grad;
  const int64_t N = num_components;
  Model moca(options, dit::GlobalAttentionKind::kMoc, N);
  Model dense(options, dit::GlobalAttentionKind::kDense, N);
  const auto input = one_asset(options, N);
  const auto layout = std::make_shared<const dit::ComponentLayout>(input.component_mask,
                                                                   input.noisy_latents.device());
  const dit::BlockContext context{
      layout, {dit::packed(input.conditions[0], *layout, options.type)}, std::nullopt};
  const auto block = [&](dit::DitBlock& module, const at::Tensor& tokens) {
    return [&] { module->forward(tokens, at::Tensor(), context); };
  };
  const auto whole = [&](Model& model) { return [&] { model.whole->forward(input); }; };
  const auto anchors = moca.tokens.select(1, moca.tokens.size(1) - 1).unsqueeze(0);
  // One token per component: attention to that is little more than the reading of its plan.
  const auto token = draw(options, {1, N, options.num_heads, 1, options.width / options.num_heads},
                          "one token per component");
  const auto route = [&] {
    ops::MocPlan plan;
    plan.routing = moca.router->forward(anchors, std::nullopt);
    ops::moc_attention(token, token, token, token, token, plan);
  };
  const auto rows = draw(options, {kProductRows, kProductInputs}, "rows of a product");
  const auto weight = draw(options, {kProductOutputs, kProductInputs}, "weight of a product");
  const auto multiply = [&] { ops::linear(rows, weight, at::Tensor()); };
  const auto times = time_in_turn(
      {block(moca.local, moca.tokens), route, block(moca.global, moca.tokens), whole(moca),
       block(dense.local, dense.tokens), block(dense.global, dense.tokens), whole(dense), multiply},
      options.rounds, options.device);
  ForwardRow row;
  row.components = N;
  row.local_block = times[0], row.routing = times[1], row.global_block = times[2];
  row.total = times[3];
  row.dense_local_block = times[4], row.dense_global_block = times[5], row.dense_total = times[6];
  row.product = times[7];
  row.product_flops = nn::linear_flops(kProductRows, kProductInputs, kProductOutputs);
  row.total_flops = dit::forward_flops(
      moca.config,
      {options.num_tokens, kLatentChannels, {{options.num_image_tokens, options.image_width}}},
      {N});
  row.memory_gib = peak_memory_gib(whole(moca), options.device);
  row.dense_memory_gib = peak_memory_gib(whole(dense), options.device);
  return row;
}

}  // namespace moca::benchmarks
