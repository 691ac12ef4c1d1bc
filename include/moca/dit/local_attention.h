#pragma once

#include "moca/nn/attention.h"

namespace moca::dit {

// Sec. 3.2.2: attention inside a component, partly blocked. Vecset tokens (with the time token)
// attend to themselves only, so the prior they come from never sees the added tokens; compressed
// tokens attend to vecset and compressed tokens, the anchor to all. tokens: [n, S, D] ordered
// vecset, compressed, anchor; the last `num_added` = M + 1 are the added ones (0: a plain
// component). Returns [n, S, D].
at::Tensor local_attention(nn::Attention& attention, const at::Tensor& tokens, int64_t num_added);

}  // namespace moca::dit
