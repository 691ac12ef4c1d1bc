#pragma once

#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <vector>

// Copies between host and device that do not make the host wait: through pinned memory, whose
// allocator keeps it until the copy is done.
namespace moca {

// A tensor of the host in pinned memory, from which `device` copies without blocking; itself where
// that is the CPU. Called ahead on another thread it spares to_device the pinning.
inline at::Tensor pinned_for(c10::Device device, const at::Tensor& host) {
  return device.is_cpu() ? host : host.pin_memory();
}

// A tensor of the host on `device`; itself where that is the CPU.
inline at::Tensor to_device(const at::Tensor& host, c10::Device device) {
  if (device.is_cpu() || !host.is_cpu()) {
    return host.to(device);
  }
  return pinned_for(device, host).to(device, /*non_blocking=*/true);
}

// Waits until copies from `device` that did not block are done.
inline void wait_for_copies(c10::Device device) {
  if (!device.is_cpu()) {
    c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
  }
}

// A tensor of the host of the size and type of `tensor`, pinned where that is on a device.
inline at::Tensor empty_on_host(const at::Tensor& tensor) {
  return at::empty(tensor.sizes(),
                   tensor.options().device(at::kCPU).pinned_memory(!tensor.is_cpu()));
}

// Tensors of one device on the host, which waits once for all of them; themselves on the CPU.
inline std::vector<at::Tensor> to_host(const std::vector<at::Tensor>& tensors) {
  if (tensors.empty() || tensors[0].is_cpu()) {
    return tensors;
  }
  std::vector<at::Tensor> copies;
  for (const auto& tensor : tensors) {
    copies.push_back(empty_on_host(tensor));
    copies.back().copy_(tensor.detach(), /*non_blocking=*/true);
  }
  wait_for_copies(tensors[0].device());
  return copies;
}

inline at::Tensor to_host(const at::Tensor& tensor) {
  return to_host(std::vector<at::Tensor>{tensor})[0];
}

}  // namespace moca
