#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <string>
#include <string_view>

// What both operators of PyTorch's dispatcher share.
namespace moca::torch_ops {

// The enum that a string of Python's names, for example "key" of ops::GateTarget.
template <typename Enum>
Enum parsed(std::string_view text, const char* argument) {
  std::string known;
  for (const auto& [listed, value] : enum_names(Enum{})) {
    if (text == listed) {
      return value;
    }
    known += std::string(known.empty() ? "'" : ", '") + listed + "'";
  }
  TORCH_CHECK(false, argument, " is '", text, "', it must be one of ", known);
}

}  // namespace moca::torch_ops
