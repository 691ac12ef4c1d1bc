#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace moca::checkpoint {

// 'name' for a message of one line: control characters replaced, the end of a long one left out.
std::string in_quotes(const std::string& name);

// [2, 3]
std::string shape_text(at::IntArrayRef shape);

}  // namespace moca::checkpoint
