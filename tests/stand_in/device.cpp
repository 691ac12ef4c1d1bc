// How LibTorch finds the device: its guard, its events, and what LibTorch asks of CUDA before
// libtorch_cuda is there.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "memory.h"
#include "synchronizations.h"

namespace moca::stand_in {
namespace {

using Clock = std::chrono::steady_clock;

class Guard final : public c10::impl::DeviceGuardImplInterface {
 public:
  static constexpr c10::DeviceType static_type =
      c10::kCUDA;  // NOLINT(readability-identifier-naming)

  c10::DeviceType type() const override { return c10::kCUDA; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const auto before = getDevice();
    setDevice(device);
    return before;
  }
  c10::Device getDevice() const override { return {c10::kCUDA, current_device()}; }
  void setDevice(c10::Device device) const override {
    TORCH_CHECK(device.index() < kNumDevices, "stand-in device: there is no ", device);
    uncheckedSetDevice(device);
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    if (device.has_index()) {
      current_device() = device.index();
    }
  }
  c10::DeviceIndex deviceCount() const noexcept override { return kNumDevices; }

  c10::Stream getStream(c10::Device device) const override { return getDefaultStream(device); }
  c10::Stream getDefaultStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device.has_index() ? device : getDevice());
  }
  c10::Stream getNewStream(c10::Device device, int /*priority*/) const override {
    return getDefaultStream(device);
  }
  c10::Stream getStreamFromGlobalPool(c10::Device device, bool /*high_priority*/) const override {
    return getDefaultStream(device);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    return getDefaultStream(stream.device());
  }
  bool queryStream(const c10::Stream& /*stream*/) const override { return true; }
  void synchronizeStream(const c10::Stream& /*stream*/) const override {
    count_synchronization("wait for a stream");
  }
  void synchronizeDevice(c10::DeviceIndex /*device*/) const override {
    count_synchronization("wait for the device");
  }

  void record(void** event, const c10::Stream& /*stream*/, c10::DeviceIndex /*device*/,
              c10::EventFlag /*flag*/) const override {
    if (*event == nullptr) {
      *event = new Clock::time_point;
    }
    time_of(*event) = Clock::now();
  }
  void block(void* /*event*/, const c10::Stream& /*stream*/) const override {}
  bool queryEvent(void* /*event*/) const override { return true; }
  void synchronizeEvent(void* /*event*/) const override {
    count_synchronization("wait for an event");
  }
  void destroyEvent(void* event, c10::DeviceIndex /*device*/) const noexcept override {
    delete static_cast<Clock::time_point*>(event);
  }
  double elapsedTime(void* begin, void* end, c10::DeviceIndex /*device*/) const override {
    return std::chrono::duration<double, std::milli>(time_of(end) - time_of(begin)).count();
  }

 private:
  static Clock::time_point& time_of(void* event) { return *static_cast<Clock::time_point*>(event); }
};

C10_REGISTER_GUARD_IMPL(CUDA, Guard)

class Hooks final : public at::CUDAHooksInterface {
 public:
  explicit Hooks(at::CUDAHooksArgs /*unused*/) {}

  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex /*device*/) const override { return true; }
  int getNumGPUs() const override { return kNumDevices; }
  c10::DeviceIndex deviceCount() const override { return kNumDevices; }
  c10::DeviceIndex current_device() const override { return stand_in::current_device(); }
  c10::DeviceIndex getCurrentDevice() const override { return stand_in::current_device(); }
  bool isPinnedPtr(const void* pointer) const override { return is_pinned(pointer); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return &pinned_allocator(); }
  c10::Allocator* getCUDADeviceAllocator() const override { return &device_allocator(); }
  // What is drawn with no generator named. Operators refuse one that is named: it is the CPU's.
  const at::Generator& getDefaultGenerator(c10::DeviceIndex /*device*/) const override {
    static const at::Generator generator = at::detail::createCPUGenerator();
    return generator;
  }
  void deviceSynchronize(c10::DeviceIndex /*device*/) const override {
    count_synchronization("wait for the device");
  }
};

using at::CUDAHooksRegistry;
using at::RegistererCUDAHooksRegistry;
C10_REGISTER_TYPED_CLASS(CUDAHooksRegistry, "CUDAHooks", Hooks)

// Before main: LibTorch's own allocator is replaced, and tests are told where to compute.
[[maybe_unused]] const bool kRegistered = [] {
  c10::SetAllocator(c10::kCUDA, &device_allocator(), /*priority=*/100);
  const char* const wanted = std::getenv("MOCA_TEST_DEVICE");
  if (wanted != nullptr && std::string(wanted) == "stand_in") {
    setenv("MOCA_TEST_DEVICE", "cuda", /*overwrite=*/1);
  }
  return true;
}();

}  // namespace
}  // namespace moca::stand_in
