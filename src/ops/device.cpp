#include "moca/ops/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <algorithm>
#include <regex>
#include <string>

#include "moca/core/error.h"

namespace moca::ops {
namespace {

// Loading libtorch_cuda registers its kernels. Returns what went wrong, or nothing.
std::string load_torch_cuda() {
#ifndef MOCA_CUDA
  return "this moca was built where there was no nvcc";
#endif
  static const std::string failure = [] {
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      return std::string(dlerror());
    }
    return std::string();
  }();
  return failure;
}

// "cuda", or "cuda:" and a number below 100.
bool names_a_gpu(const std::string& name) {
  static const std::regex pattern("cuda(:(0|[1-9][0-9]?))?");
  return std::regex_match(name, pattern);
}

}  // namespace

c10::Device select_device(const std::string& name, LocalProcess process) {
  if (name == "cpu") {
    return c10::Device(c10::kCPU);
  }
  const bool automatic = name == "auto";
  if (!automatic && !names_a_gpu(name)) {
    throw Error("device '" + name + "' is unknown. Use auto, cpu, cuda or cuda:N.");
  }
  const std::string failure = load_torch_cuda();
  if (!failure.empty() || !at::hasCUDA() || at::detail::getCUDAHooks().getNumGPUs() == 0) {
    if (automatic) {
      return c10::Device(c10::kCPU);
    }
    throw Error("device '" + name +
                "' cannot be used: " + (failure.empty() ? "no GPU was found" : failure) +
                ". Use device: cpu, or run scripts/setup.sh on a machine with a GPU.");
  }
  const int num_gpus = at::detail::getCUDAHooks().getNumGPUs();
  const auto device = c10::Device(automatic ? "cuda" : name);
  if (device.has_index() && process.count > 1) {
    throw Error("device '" + name + "' is one GPU, but " + std::to_string(process.count) +
                " processes run on this machine. Use device: cuda, which gives each its own.");
  }
  if (device.has_index() && device.index() >= num_gpus) {
    throw Error("device '" + name + "' does not exist: this machine has " +
                std::to_string(num_gpus) +
                " GPUs. Use cuda:0 to cuda:" + std::to_string(num_gpus - 1) + ".");
  }
  if (process.count > num_gpus) {
    throw Error(std::to_string(process.count) +
                " processes of this machine ask for a GPU each, it has " +
                std::to_string(num_gpus) + ". Start at most as many, or use device: cpu.");
  }
  at::globalContext().setAllowTF32CuDNN(false);
  return device.has_index() ? device
                            : c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(process.rank));
}

void use_threads(int64_t count, int num_processes) {
  static const int of_process = at::get_num_threads();
  at::set_num_threads(count > 0 ? static_cast<int>(count)
                                : std::max(of_process / num_processes, 1));
}

void synchronize(c10::Device device) {
  if (!device.is_cpu()) {
    c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
  }
}

}  // namespace moca::ops
