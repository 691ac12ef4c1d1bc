#include "moca/ops/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>

#include <algorithm>
#include <regex>
#include <string>

#include "gpu_state.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"

namespace moca::ops {
namespace {

// Why no GPU can be used, and what to do.
struct Trouble {
  std::string reason;
  std::string remedy;
};

Trouble trouble_of(const GpuState& gpus) {
  switch (gpus.condition) {
    case GpuCondition::kNotBuilt:
      return {"this moca was built without nvcc",
              "Put nvcc of CUDA 12.8 or later on the PATH and run scripts/build.sh again"};
    case GpuCondition::kNoDriver:
      return {"there is no NVIDIA driver, or this container was started without GPUs",
              "Install it, or start the container with --gpus all"};
    case GpuCondition::kOldDriver:
      return {"the NVIDIA driver is for CUDA " + cuda_version(gpus.driver) + ", this moca for " +
                  cuda_version(gpus.built_for),
              "Update the driver"};
    case GpuCondition::kNoneVisible:
      return gpus.visible ? Trouble{"CUDA_VISIBLE_DEVICES='" + *gpus.visible + "' shows no GPU",
                                    "Unset it, or name GPUs that nvidia-smi -L lists"}
                          : Trouble{"the NVIDIA driver sees no GPU", "See what nvidia-smi says"};
    case GpuCondition::kBroken:
      return {"CUDA says '" + gpus.detail + "'", "See what nvidia-smi says"};
    case GpuCondition::kNoLibrary:
      return {"LibTorch's CUDA libraries cannot be loaded (" + gpus.detail + ")",
              "Run scripts/setup.sh on this machine"};
    case GpuCondition::kUsable:
      break;
  }
  return {};
}

// A GPU is there, and yet the program cannot use it.
bool is_unexpected(GpuCondition condition) {
  using enum GpuCondition;
  return condition == kOldDriver || condition == kBroken || condition == kNoLibrary;
}

// "cuda", or "cuda:" and a number below 100.
bool names_a_gpu(const std::string& name) {
  static const std::regex pattern("cuda(:(0|[1-9][0-9]?))?");
  return std::regex_match(name, pattern);
}

c10::Device gpu_for(const std::string& name, LocalProcess process, int count) {
  const auto device = c10::Device(name == "auto" ? "cuda" : name);
  if (device.has_index() && process.count > 1) {
    throw Error("device '", name, "' is one GPU, but ", process.count,
                " processes run on this machine. Use device: cuda, which gives each its own.");
  }
  if (device.has_index() && device.index() >= count) {
    throw Error("device '", name, "' does not exist: this process sees ",
                (count == 1 ? "one GPU. Use cuda:0."
                            : c10::str(count, " GPUs. Use cuda:0 to cuda:", count - 1, ".")));
  }
  // One that sees a single GPU was given it by its launcher.
  if (count > 1 && process.count > count) {
    throw Error(process.count, " processes of this machine ask for a GPU each, it has ", count,
                ". Start at most as many, or use device: cpu.");
  }
  const int index = device.has_index() ? device.index() : count == 1 ? 0 : process.rank;
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

}  // namespace

DeviceChoice choose_device(const std::string& name, LocalProcess process, const GpuState& gpus) {
  const std::string setting = " (device: " + name;
  if (name == "cpu") {
    return {c10::kCPU, "device cpu" + setting + ")", ""};
  }
  if (name != "auto" && !names_a_gpu(name)) {
    throw Error("device '", name, "' is unknown. Use auto, cpu, cuda or cuda:N.");
  }
  if (gpus.condition == GpuCondition::kUsable) {
    const auto device = gpu_for(name, process, gpus.count);
    return {device, "device " + device.str() + setting + ")", ""};
  }
  const auto [reason, remedy] = trouble_of(gpus);
  if (name != "auto") {
    throw Error("device '", name, "' cannot be used: ", reason, ". ", remedy,
                ", or use device: cpu.");
  }
  return {c10::kCPU, "device cpu" + setting + ", but " + reason + ")", ""};
}

DeviceChoice select_device(const std::string& name, LocalProcess process) {
  const auto gpus = name == "cpu" ? GpuState{} : find_gpus();
  auto choice = choose_device(name, process, gpus);
  const std::string torch = "; LibTorch " TORCH_VERSION;
  if (choice.device.is_cpu()) {
    if (is_unexpected(gpus.condition)) {
      log::warn(choice.text + ". " + trouble_of(gpus).remedy + ".");
    }
    choice.text += torch;
    return choice;
  }
  c10::impl::VirtualGuardImpl(c10::kCUDA).setDevice(choice.device);
  at::globalContext().setAllowTF32CuDNN(false);
  const auto [text, id] = describe_gpu(choice.device, gpus);
  choice.text += ": " + text + torch;
  choice.gpu = id;
  return choice;
}

c10::Device select_and_log_device(const std::string& name) {
  const auto choice = select_device(name);
  log::info(choice.text);
  return choice.device;
}

void use_threads(int64_t count, int num_processes) {
  static const int of_process = at::get_num_threads();
  at::set_num_threads(count > 0 ? static_cast<int>(count)
                                : std::max(of_process / num_processes, 1));
}

void use_deterministic_algorithms(bool wanted) {
  auto& context = at::globalContext();
  context.setDeterministicAlgorithms(wanted, /*warn_only=*/false);
  context.setDeterministicCuDNN(wanted);
  // Of LibTorch's own it would fill every new tensor, which changes no bit of ours.
  context.setDeterministicFillUninitializedMemory(false);
}

void synchronize(c10::Device device) {
  if (!device.is_cpu()) {
    c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
  }
}

double take_peak_gpu_memory_gib(c10::Device device) {
  auto* const allocator = c10::getDeviceAllocator(device.type());
  const auto peak = allocator->getDeviceStats(device.index()).allocated_bytes[0].peak;
  allocator->resetPeakStats(device.index());
  return static_cast<double>(peak) / (1024.0 * 1024.0 * 1024.0);
}

}  // namespace moca::ops
