#include "gpu_state.h"

#ifdef MOCA_CUDA
#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "moca/core/text.h"
#endif

namespace moca::ops {

std::string cuda_version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

#ifdef MOCA_CUDA
namespace {

// Loading libtorch_cuda registers its kernels. Returns what went wrong, or nothing.
std::string load_torch_cuda() {
  static const std::string failure = [] {
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      return std::string(dlerror());
    }
    return std::string(at::hasCUDA() ? "" : "libtorch_cuda.so brings no GPU");
  }();
  return failure;
}

// "9.19.0" of 91900, as cuDNN and NCCL count.
std::string library_version(int64_t number) {
  return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." +
         std::to_string(number % 100);
}

// NCCL comes with libtorch_cuda, where that was built with it.
std::string nccl_text() {
  auto* const version = reinterpret_cast<int (*)(int*)>(dlsym(RTLD_DEFAULT, "ncclGetVersion"));
  int number = 0;
  return version != nullptr && version(&number) == 0 ? ", NCCL " + library_version(number) : "";
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

GpuState find_gpus() {
  GpuState found;
  cudaRuntimeGetVersion(&found.built_for);
  cudaDriverGetVersion(&found.driver);  // 0 where there is none
  if (found.driver == 0) {
    found.condition = GpuCondition::kNoDriver;
    return found;
  }
  if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES")) {
    found.visible = visible;
  }
  const auto failure = cudaGetDeviceCount(&found.count);
  if (failure == cudaErrorInsufficientDriver) {
    found.condition = GpuCondition::kOldDriver;
  } else if (failure == cudaErrorNoDevice || (failure == cudaSuccess && found.count == 0)) {
    found.condition = GpuCondition::kNoneVisible;
  } else if (failure != cudaSuccess) {
    found.condition = GpuCondition::kBroken;
    found.detail = cudaGetErrorString(failure);
  } else {
    found.detail = load_torch_cuda();
    found.condition = found.detail.empty() ? GpuCondition::kUsable : GpuCondition::kNoLibrary;
  }
  return found;
}

GpuDescription describe_gpu(c10::Device device, const GpuState& gpus) {
  cudaDeviceProp properties{};
  cudaGetDeviceProperties(&properties, device.index());
  const double memory = static_cast<double>(properties.totalGlobalMem) / (1024.0 * 1024.0 * 1024.0);
  // Of a part of a GPU (MIG) the part's own.
  std::string uuid;
  for (const char byte : properties.uuid.bytes) {
    uuid += formatted("%02x", static_cast<unsigned char>(byte));
  }
  const std::string name = properties.name;
  const int64_t cudnn = at::detail::getCUDAHooks().versionRuntimeCuDNN();
  return {name + formatted(", %.1f GiB", memory) + ", driver for CUDA " +
              cuda_version(gpus.driver) + "; CUDA " + cuda_version(gpus.built_for) + ", cuDNN " +
              library_version(cudnn) + nccl_text(),
          name + " " + uuid + " of " + host_name()};
}
#else
GpuState find_gpus() { return {}; }
GpuDescription describe_gpu(c10::Device /*device*/, const GpuState& /*gpus*/) { return {}; }
#endif

}  // namespace moca::ops
