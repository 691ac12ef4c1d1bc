#pragma once

#include <ATen/core/Generator.h>

#include <memory>
#include <optional>
#include <vector>

#include "moca/dit/component_layout.h"
#include "moca/dit/component_router.h"
#include "moca/dit/condition.h"
#include "moca/dit/dit_config.h"
#include "moca/nn/attention.h"

namespace moca::dit {

// What all blocks of one forward pass share.
struct BlockContext {
  std::shared_ptr<const ComponentLayout> layout;
  std::vector<PackedCondition> conditions = {};  // one of every kind that the DiT has
  std::optional<at::Generator> generator = {};   // draws the stochastic routing in training
};

// The weights of an attention of a block.
struct AttentionModules {
  nn::Attention attention{nullptr};
  ComponentRouter router{nullptr};  // of MoC self-attention alone
};

// How the tokens of one block attend to one another, and what that costs. It has no weights, so an
// adapter may compute it with weights of its own.
class BlockAttention {
 public:
  virtual ~BlockAttention() = default;

  // tokens: [n, S, D], normalised, ordered time, vecset, compressed, anchor. Returns what the block
  // adds to the first S' of them, [n, S', D]; it leaves the others as they are.
  virtual at::Tensor forward(AttentionModules modules, const at::Tensor& tokens,
                             const BlockContext& context) const = 0;

  // S' of forward for components of L latent tokens.
  virtual int64_t num_updated(int64_t num_tokens) const = 0;

  // Floating point operations (nn/flops.h) of forward for one asset of N components of L latent
  // tokens.
  virtual double flops(int64_t num_components, int64_t num_tokens) const = 0;
};

// That of the config's block `index`: local, or the kind of global attention that the config names.
std::shared_ptr<const BlockAttention> block_attention(const DitConfig& config, int64_t index);

}  // namespace moca::dit
