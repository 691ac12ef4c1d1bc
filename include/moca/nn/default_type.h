#pragma once

#include <c10/core/ScalarType.h>

namespace moca::nn {

// While it lives, modules are built with parameters of `type` (float, double, bf16).
class DefaultType {
 public:
  explicit DefaultType(at::ScalarType type);
  ~DefaultType();
  DefaultType(const DefaultType&) = delete;
  DefaultType& operator=(const DefaultType&) = delete;

 private:
  at::ScalarType before_;
};

}  // namespace moca::nn
