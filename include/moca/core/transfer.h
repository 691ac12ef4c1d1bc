#pragma once

#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <vector>

// Copies between host and device that do not make the host wait: through pinned memory, whose
// allocator keeps it until the copy is done.
namespace moca {

// A tensor of the host on `device`; itself where that is the CPU.
inline at::Tensor to_device(const at::Tensor& host, c10::Device device) {
  if (device.is_cpu() || !host.is_cpu()) {
    return host.to(device);
  }
  return host.pin_memory().to(device, /*non_blocking=*/true);
}

// Tensors of one device on the host, which waits once for all of them; themselves on the CPU.
inline std::vector<at::Tensor> to_host(const std::vector<at::Tensor>& tensors) {
  if (tensors.empty() || tensors[0].is_cpu()) {
    return tensors;
  }
  std::vector<at::Tensor> copies;
  for (const auto& tensor : tensors) {
    copies.push_back(
        at::empty(tensor.sizes(), tensor.options().device(at::kCPU).pinned_memory(true)));
    copies.back().copy_(tensor.detach(), /*non_blocking=*/true);
  }
  const auto device = tensors[0].device();
  c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
  return copies;
}

inline at::Tensor to_host(const at::Tensor& tensor) {
  return to_host(std::vector<at::Tensor>{tensor})[0];
}

}  // namespace moca
