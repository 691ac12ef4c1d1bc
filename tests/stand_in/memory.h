#pragma once

#include <c10/core/CachingDeviceAllocator.h>

// A device of LibTorch's type CUDA that needs no GPU: its memory is the host's and its operators
// run on the CPU, but host code that touches its memory, or mixes its tensors with the CPU's, fails
// as on a GPU. docs/testing.md says what that shows and what not.
namespace moca::stand_in {

// As many as two ranks need.
constexpr c10::DeviceIndex kNumDevices = 2;

// The device that this thread allocates on.
c10::DeviceIndex& current_device();

// Memory that neither the host nor a tensor of the CPU may touch.
c10::DeviceAllocator& device_allocator();
// Memory of the host that copies to and from the device need not wait for.
c10::Allocator& pinned_allocator();
bool is_pinned(const void* pointer);

// Whether kernels may use this pointer.
bool is_of_device(const void* pointer);
// Where the host finds what a pointer of the device names. Throws where it is none of the device's.
void* host_address(const void* pointer);
// The same for what kernels are given; of no elements there may be no pointer.
template <class T>
T* host(T* pointer) {
  return pointer == nullptr ? nullptr : static_cast<T*>(host_address(pointer));
}

}  // namespace moca::stand_in
