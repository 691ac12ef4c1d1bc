#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace moca::dit {

struct ComponentLayout;

// Who sees a condition's tokens: all components of the asset, the component that they belong to, or
// all components of the asset, frame after frame of a sequence.
enum class ConditionScope { kAsset, kComponent, kFrame };

// A kind of condition that a DiT is built for: one cross-attention in every block.
struct ConditionKind {
  std::string name;   // "image"
  int64_t width = 0;  // D_c of a token
};

using ConditionKinds = std::vector<ConditionKind>;

// What the denoiser sees of a batch beside its latents.
struct Condition {
  std::string name = {};  // of its kind
  ConditionScope scope = ConditionScope::kAsset;
  at::Tensor tokens = {};  // [B, T, D_c] of assets, [B, N, T, D_c] of components, [B, U, T, D_c]
                           // of frames; undefined: zeros, which give the output bias alone
  at::Tensor token_mask = {};  // [B, T], [B, N, T] or [B, U, T] true where a token exists, at least
                               // one of everyone's; undefined: all do
  at::Tensor null_token = {};  // [D_c] that stands in every token's place where there is no
                               // condition; undefined: zeros
};

// The condition of the whole batch in its null form.
Condition null_of(const Condition& condition);
// In its null form for the assets that kept [B] leaves out.
Condition dropped(const Condition& condition, const at::Tensor& kept);

// A condition in the order of the components that are present.
struct PackedCondition {
  at::Tensor tokens = {};      // [B', T, D_c] of assets, or [n, T, D_c] of components
  at::Tensor token_mask = {};  // [B', T] or [n, T]
  bool of_components = false;
};
PackedCondition packed(const Condition& condition, const ComponentLayout& layout,
                       at::ScalarType type);

}  // namespace moca::dit
