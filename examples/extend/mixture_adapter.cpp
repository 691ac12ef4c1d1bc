// An adapter: beside the self-attention of every block a copy that is trained while the block's own
// weights stand still, mixed with it per token by a router:
//   out = P + scale * gate * (Q - P)
// `adapter.kind: mixture` chooses it; with adapter.mixture.scale=0 the model is what it was.
#include <ATen/ATen.h>
#include <torch/types.h>

#include <memory>

#include "extend.h"
#include "moca/dit/attention_adapter.h"
#include "moca/dit/block_attention.h"
#include "moca/dit/dit_block.h"
#include "moca/generation/adapter.h"
#include "moca/nn/linear.h"

namespace {

namespace dit = moca::dit;
namespace nn = moca::nn;
using moca::generation::AdapterConfig;
using moca::generation::ComponentDenoiser;

struct MixtureConfig {
  double scale = 1;

  static void fields(auto& self, auto&& v) {
    v("scale", self.scale, "of what the copy adds; 0: nothing", moca::config::in_range(0, 1));
  }
};

class Mixture : public dit::AttentionAdapter {
 public:
  Mixture(const dit::AttentionModules& prior, const dit::DitConfig& config, double scale)
      : scale_(scale), gate_(register_module("gate", nn::Linear(config.width, 1))) {
    nn::AttentionSizes sizes;
    sizes.width = config.width;
    sizes.num_heads = config.num_heads;
    sizes.qk_norm = true;
    copy_.attention = register_module("attention", nn::Attention(sizes));
    copy_parameters(*prior.attention, *copy_.attention);
    copy_.router = prior.router;  // who attends to whom stays the model's
  }

  at::Tensor forward(const at::Tensor& tokens, const dit::AttentionModules& prior,
                     const Attend& attend, const dit::BlockContext&) override {
    const auto before = attend(prior);  // [n, S', D]
    if (scale_ == 0) {
      return before;
    }
    const auto gate = at::sigmoid(gate_(tokens.narrow(1, 0, before.size(1))));  // [n, S', 1]
    return before + scale_ * gate * (attend(copy_) - before);
  }

 private:
  static void copy_parameters(const torch::nn::Module& from, const torch::nn::Module& to) {
    const torch::NoGradGuard no_grad;
    auto target = to.named_parameters();
    for (const auto& item : from.named_parameters()) {
      target[item.key()].copy_(item.value());
    }
  }

  double scale_;
  nn::Linear gate_;
  dit::AttentionModules copy_;
};

void attach(ComponentDenoiser& denoiser, const AdapterConfig& config) {
  for (auto& parameter : denoiser->parameters()) {
    parameter.set_requires_grad(false);
  }
  const auto dit = denoiser->dit();
  for (auto block : dit->blocks()) {
    block->adapt_self_attention(std::make_shared<Mixture>(
        block->self_attention(), dit->config(), config.kind.settings<MixtureConfig>().scale));
  }
}

}  // namespace

void register_mixture() {
  moca::generation::register_adapter(
      {{"mixture", "a trained copy of every self-attention, mixed per token", MixtureConfig()},
       attach});
}
