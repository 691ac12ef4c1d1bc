#pragma once

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>
#include <vector>

#include "moca/dit/condition.h"
#include "moca/dit/dit_block.h"
#include "moca/dit/dit_config.h"
#include "moca/nn/embeddings.h"

namespace moca::dit {

class ComponentPackingImpl;

// What the denoiser sees of a batch.
struct DitInput {
  at::Tensor noisy_latents;   // [B, N, L, C]
  at::Tensor noise_level;     // [B] in [0, 1], one for all components of an asset
  at::Tensor component_ids;   // [B, N] rows of the ID codebook, distinct within an asset; unused
                              // by a model without codebook
  at::Tensor component_mask;  // [B, N] true where present; best on the host, which reads it
  std::vector<Condition> conditions = {};  // of the DiT's kinds; one that is missing is zeros
};

// The MoCA diffusion transformer: the noisy latents of all components of an asset, together, to
// their velocity. TripoSG's parameter names; new are packing, component_embedding and
// blocks.i.router.
class MocaDitImpl : public torch::nn::Module {
 public:
  // latent_channels: C. conditions: what it can see, in the order of its weights.
  MocaDitImpl(const DitConfig& config, int64_t latent_channels, ConditionKinds conditions);

  // Returns the velocity [B, N, L, C], zero for absent components. In training the routing is
  // sampled with `generator`. `block_outputs`, if asked for, gets every block's tokens
  // [B, N, S, D].
  at::Tensor forward(const DitInput& input,
                     const std::optional<at::Generator>& generator = std::nullopt,
                     std::vector<at::Tensor>* block_outputs = nullptr);

  // From now on a backward pass computes every block's inside anew instead of keeping it.
  void checkpoint_activations() { checkpoints_activations_ = true; }

  const DitConfig& config() const { return config_; }
  const std::vector<DitBlock>& blocks() const { return blocks_; }

 private:
  at::Tensor run_block(const DitBlock& block, const at::Tensor& tokens, const at::Tensor& skip,
                       const BlockContext& context) const;
  std::vector<PackedCondition> packed_conditions(const DitInput& input,
                                                 const ComponentLayout& layout) const;
  at::Tensor embed(const DitInput& input, const ComponentLayout& layout);

  DitConfig config_;
  ConditionKinds conditions_;
  bool checkpoints_activations_ = false;
  nn::TimeProjection time_proj_{nullptr};
  torch::nn::Linear proj_in_{nullptr};
  torch::nn::Embedding component_embedding_{nullptr};
  std::shared_ptr<ComponentPackingImpl> packing_;
  std::vector<DitBlock> blocks_;
  nn::LayerNorm norm_out_{nullptr};
  torch::nn::Linear proj_out_{nullptr};
};
TORCH_MODULE(MocaDit);

// A random draw of distinct codebook rows for every asset: [B, N] int64. Zeros without codebook.
at::Tensor draw_component_ids(int64_t num_assets, int64_t num_components, int64_t codebook_size,
                              at::Generator generator);

}  // namespace moca::dit
