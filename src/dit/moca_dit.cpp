#include "moca/dit/moca_dit.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "component_packing.h"
#include "moca/core/error.h"
#include "moca/core/shapes.h"
#include "moca/nn/activation_checkpoint.h"

namespace moca::dit {

MocaDitImpl::MocaDitImpl(const DitConfig& config, int64_t latent_channels,
                         ConditionKinds conditions)
    : config_(config),
      conditions_(std::move(conditions)),
      time_proj_(register_module("time_proj", nn::TimeProjection(config.width))),
      proj_in_(register_module("proj_in", torch::nn::Linear(latent_channels, config.width))) {
  if (config.codebook_size > 0) {
    component_embedding_ = register_module(
        "component_embedding", torch::nn::Embedding(config.codebook_size, config.width));
    const torch::NoGradGuard no_grad;
    component_embedding_->weight.normal_(0.0, 0.02);  // diffusers' default for a new embedding
  }
  if (config.global_attention == GlobalAttentionKind::kMoc) {
    packing_ = register_module("packing", std::make_shared<ComponentPackingImpl>(config));
  }
  auto list = register_module("blocks", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.emplace_back(config, conditions_, i);
    list->push_back(blocks_.back());
  }
  norm_out_ = register_module("norm_out", nn::LayerNorm(config.width));
  proj_out_ = register_module("proj_out", torch::nn::Linear(config.width, latent_channels));
}

// The tokens of every present component: time, vecset, compressed, anchor; [n, S, D].
at::Tensor MocaDitImpl::embed(const DitInput& input, const ComponentLayout& layout) {
  const auto vecset =
      proj_in_(layout.pack(input.noisy_latents).to(proj_in_->weight.scalar_type()));  // [n, L, D]
  const auto time = time_proj_(nn::embed_noise_level(input.noise_level, config_.width));  // [B, D]
  const auto time_token = layout.of_components(time).unsqueeze(1);  // [n, 1, D]
  std::vector<at::Tensor> parts = {time_token.to(vecset.scalar_type()), vecset};
  if (packing_) {
    parts.push_back(packing_->forward(vecset).to(vecset.scalar_type()));
  }
  const auto tokens = at::cat(parts, 1);
  if (!component_embedding_) {
    return tokens;
  }
  const auto ids =
      component_embedding_(layout.pack(input.component_ids.unsqueeze(-1)));  // [n, 1, D]
  return tokens + ids.to(vecset.scalar_type());
}

std::vector<PackedCondition> MocaDitImpl::packed_conditions(const DitInput& input,
                                                            const ComponentLayout& layout) const {
  std::vector<PackedCondition> all(conditions_.size());
  for (const auto& condition : input.conditions) {
    const auto kind = std::ranges::find(conditions_, condition.name, &ConditionKind::name);
    TORCH_CHECK(kind != conditions_.end(), "the DiT has no attention to a condition '",
                condition.name, "'");
    all[kind - conditions_.begin()] = packed(condition, layout, proj_in_->weight.scalar_type());
  }
  return all;
}

at::Tensor MocaDitImpl::run_block(const DitBlock& block, const at::Tensor& tokens,
                                  const at::Tensor& skip, const BlockContext& context) const {
  if (!checkpoints_activations_ || !at::GradMode::is_enabled()) {
    return DitBlock(block)->forward(tokens, skip, context);
  }
  std::vector<at::Tensor> inputs = {tokens, skip};
  BlockContext of_inputs = context;  // its tensors and generator are the function's inputs
  of_inputs.generator.reset();
  for (auto& condition : of_inputs.conditions) {
    inputs.push_back(std::exchange(condition.tokens, at::Tensor()));
  }
  const auto compute = [block, of_inputs](const std::vector<at::Tensor>& given,
                                          const std::optional<at::Generator>& generator) {
    auto given_context = of_inputs;
    given_context.generator = generator;
    for (size_t i = 2; i < given.size(); ++i) {
      given_context.conditions[i - 2].tokens = given[i];
    }
    return DitBlock(block)->forward(given[0], given[1], given_context);
  };
  return nn::checkpointed(compute, inputs, block->parameters(), context.generator);
}

at::Tensor MocaDitImpl::forward(const DitInput& input,
                                const std::optional<at::Generator>& generator,
                                std::vector<at::Tensor>* block_outputs) {
  const auto [B, N, L, C] = shape<4>(input.noisy_latents, "noisy_latents [B, N, L, C]");
  expect_shape(input.noise_level, {B}, "noise_level [B]");
  expect_shape(input.component_ids, {B, N}, "component_ids [B, N]");
  expect_shape(input.component_mask, {B, N}, "component_mask [B, N]");
  const auto shared_layout =
      std::make_shared<const ComponentLayout>(input.component_mask, input.noisy_latents.device());
  const auto& layout = *shared_layout;
  const BlockContext context{shared_layout, packed_conditions(input, layout), generator};
  auto tokens = embed(input, layout);
  std::vector<at::Tensor> skips;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    at::Tensor skip;
    if (blocks_[i]->takes_skip()) {
      skip = skips.back();
      skips.pop_back();
    }
    tokens = run_block(blocks_[i], tokens, skip, context);
    if (block_outputs != nullptr) {
      block_outputs->push_back(layout.unpack(tokens));
    }
    if (i < blocks_.size() / 2) {
      skips.push_back(tokens);
    }
  }
  const auto vecset = tokens.narrow(1, 1, L);  // without the time token
  return layout.unpack(proj_out_(norm_out_(vecset)).to(at::kFloat));
}

at::Tensor draw_component_ids(int64_t num_assets, int64_t num_components, int64_t codebook_size,
                              at::Generator generator) {
  if (codebook_size == 0) {  // a model that tells components apart by nothing
    return at::zeros({num_assets, num_components}, at::kLong);
  }
  if (num_components > codebook_size) {
    throw Error("an asset of ", num_components,
                " components needs as many distinct ids, but dit.codebook_size is ", codebook_size,
                ". Use at most ", codebook_size, " components.");
  }
  std::vector<at::Tensor> rows;
  for (int64_t asset = 0; asset < num_assets; ++asset) {
    rows.push_back(at::randperm(codebook_size, generator, at::TensorOptions().dtype(at::kLong))
                       .narrow(0, 0, num_components));
  }
  return at::stack(rows);
}

}  // namespace moca::dit
