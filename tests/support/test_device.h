#pragma once

#include <ATen/core/Tensor.h>

#include <cstdlib>

#include "moca/ops/device.h"

namespace moca::testing {

// Where tests that any device can run compute: MOCA_TEST_DEVICE (cpu, cuda, cuda:N), else the CPU.
inline c10::Device device() {
  static const c10::Device chosen = [] {
    const char* name = std::getenv("MOCA_TEST_DEVICE");
    return ops::select_device(name == nullptr ? "cpu" : name).device;
  }();
  return chosen;
}

inline at::Tensor on_device(const at::Tensor& tensor) { return tensor.to(device()); }

}  // namespace moca::testing
