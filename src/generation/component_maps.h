#pragma once

#include "moca/generation/request.h"
#include "moca/image_encoder/preprocess.h"

namespace moca::generation {

// Throws Error where a request's component map is missing or does not fit its image.
void check_component_map(const Request& request);

// What preprocess.h makes of every component for an image encoder of 7 channels: [N, 7, H, W].
at::Tensor preprocessed_components(const Request& request,
                                   const image_encoder::PreprocessConfig& config);

// Names the components so small that the model's image has no pixel of them. inputs:
// [N, 7, H, W], the mask last.
void warn_of_lost_components(const ComponentMap& map, const at::Tensor& inputs);

}  // namespace moca::generation
