#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/rules.h"
#include "moca/ops/moc_attention.h"

namespace moca::dit {

// What global blocks do between components: MoCA's mixture of components, PartCrafter's dense
// attention over all tokens of all components (the baseline; no packing, no router), or nothing:
// every block is local and components do not see one another (TripoSG).
enum class GlobalAttentionKind { kMoc, kDense, kNone };
// What compressed and anchor tokens do in a global block: give keys and values only, or pass it
// whole.
enum class CompressedTokens { kKeysOnly, kFull };

// How many tokens of a component dense attention gets: as many as MoC, or so many that a global
// block has as many pairs of query and key.
enum class DenseTokens { kSameTokens, kSamePairs };

constexpr auto enum_names(GlobalAttentionKind) {
  return std::array{std::pair{"moc", GlobalAttentionKind::kMoc},
                    std::pair{"dense", GlobalAttentionKind::kDense},
                    std::pair{"none", GlobalAttentionKind::kNone}};
}
constexpr auto enum_names(DenseTokens) {
  return std::array{std::pair{"same_tokens", DenseTokens::kSameTokens},
                    std::pair{"same_pairs", DenseTokens::kSamePairs}};
}
constexpr auto enum_names(CompressedTokens) {
  return std::array{std::pair{"keys_only", CompressedTokens::kKeysOnly},
                    std::pair{"full", CompressedTokens::kFull}};
}

struct RouterConfig {
  int64_t num_selected = 4;
  ops::RouterActivation activation = ops::RouterActivation::kSigmoid;
  ops::GateTarget gate_target = ops::GateTarget::kKey;
  bool gate_compressed = true;
  bool stochastic = true;
  ops::RouterSampling sampling = ops::RouterSampling::kImportance;
  bool per_head = true;

  static void fields(auto& self, auto&& v) {
    v("num_selected", self.num_selected,
      "k: other components attended in full (Eq. 5; 0 is Table 3A)", config::at_least(0));
    v("activation", self.activation, "turns router logits into importance (Eq. 4; Table 3D)");
    v("gate_target", self.gate_target,
      "what importance multiplies (Eq. 7; Table 3C); none: nothing");
    v("gate_compressed", self.gate_compressed,
      "importance also multiplies the compressed tokens of components not selected");
    v("stochastic", self.stochastic, "sample the selection in training (Sec. 3.3.1; Table 3E)");
    v("sampling", self.sampling,
      "training draws others in proportion to the importance, or to the softmax of the router's "
      "logits");
    v("per_head", self.per_head, "route every head by itself (Table 3F)");
  }
};

struct DitConfig {
  int64_t width = 2048;
  int64_t num_heads = 16;
  int64_t num_layers = 21;
  GlobalAttentionKind global_attention = GlobalAttentionKind::kMoc;
  DenseTokens dense_tokens = DenseTokens::kSameTokens;
  std::vector<int64_t> global_blocks;
  int64_t num_compressed_tokens = 64;
  CompressedTokens compressed_tokens = CompressedTokens::kKeysOnly;
  bool attend_compressed = true;
  int64_t codebook_size = 50;
  bool local_image_attention = true;
  bool global_image_attention = true;
  RouterConfig router;

  static void fields(auto& self, auto&& v) {
    using config::at_least;
    v("width", self.width, "D: model width (TripoSG: 2048)", at_least(2));
    v("num_heads", self.num_heads, "H: attention heads (TripoSG: 16)", at_least(1));
    v("num_layers", self.num_layers,
      "blocks; the second half gets skips from the first (TripoSG: 21)", at_least(1));
    v("global_attention", self.global_attention,
      "attention between components: moc, PartCrafter's dense baseline, or none (TripoSG)");
    v("dense_tokens", self.dense_tokens,
      "dense: the VAE's num_tokens, or so many that between data.max_components components a "
      "global "
      "block has as many pairs of query and key as MoC with the VAE's num_tokens");
    v("global_blocks", self.global_blocks,
      "which blocks are global; [] is every even one (PartCrafter)", at_least(0));
    v("num_compressed_tokens", self.num_compressed_tokens,
      "M: learnable queries that compress a component (Eq. 3)", at_least(1));
    v("compressed_tokens", self.compressed_tokens,
      "give keys and values alone, or pass global blocks in full");
    v("attend_compressed", self.attend_compressed,
      "attend to the compressed tokens of components not selected (Table 3B)");
    v("codebook_size", self.codebook_size,
      "rows of the component ID embedding (paper: 50; PartCrafter: 32); 0: none (TripoSG)",
      at_least(0));
    v("local_image_attention", self.local_image_attention,
      "local blocks see the image (PartCrafter: enable_local_cross_attn)");
    v("global_image_attention", self.global_image_attention,
      "global blocks see the image (PartCrafter: enable_global_cross_attn)");
    v("router", self.router, "the component router");
  }
  void validate(const std::string& path) const;
  bool is_global(int64_t block) const;
  // The M + 1 compressed and anchor tokens of a component; 0 where nothing is compressed.
  int64_t num_added_tokens() const {
    return global_attention == GlobalAttentionKind::kMoc ? num_compressed_tokens + 1 : 0;
  }
};

}  // namespace moca::dit
