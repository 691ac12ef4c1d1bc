#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "moca/image/image.h"

namespace moca::generation {

// One thing to generate.
struct Request {
  Image image;                      // RGB or RGBA, any size
  int64_t num_components = 1;       // N
  uint64_t seed = 0;                // of the noise and of the component ids
  ComponentMap component_map = {};  // for a model that takes masks, which needs it; empty: none
  std::map<std::string, at::Tensor> inputs = {};  // of conditions beside the image, by their names
};

}  // namespace moca::generation
