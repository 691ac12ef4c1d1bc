#pragma once

#include <ATen/core/Generator.h>

#include <optional>

#include "moca/dit/component_layout.h"
#include "moca/dit/component_router.h"
#include "moca/dit/dit_config.h"
#include "moca/nn/attention.h"

namespace moca::dit {

// PartCrafter's baseline: every token of an asset attends to every token of all its components.
// tokens: [n, S, D]. Returns [n, S, D].
at::Tensor dense_global_attention(nn::Attention& attention, const at::Tensor& tokens,
                                  const ComponentLayout& layout);

// Eq. 6-8: MoC attention of the vecset tokens between the components of each asset. The last M + 1
// of `tokens` [n, S, D] are compressed tokens and anchor, which give keys, values and the routing.
// Returns the vecset tokens' [n, S - M - 1, D].
at::Tensor moc_global_attention(nn::Attention& attention, ComponentRouter& router,
                                const at::Tensor& tokens, const ComponentLayout& layout,
                                const DitConfig& config,
                                const std::optional<at::Generator>& generator);

}  // namespace moca::dit
