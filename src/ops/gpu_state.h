#pragma once

#include <optional>
#include <string>

#include "moca/ops/device.h"

namespace moca::ops {

enum class GpuCondition {
  kNotBuilt,     // this moca has no CUDA parts
  kNoDriver,     // nothing of NVIDIA's is there
  kOldDriver,    // its CUDA is older than ours
  kNoneVisible,  // no GPU, or all are hidden from this process
  kBroken,       // CUDA gives another error
  kNoLibrary,    // LibTorch's CUDA libraries cannot be loaded
  kUsable
};

// The GPUs that this process may use.
struct GpuState {
  GpuCondition condition = GpuCondition::kNotBuilt;
  std::string detail;  // of kBroken and kNoLibrary: CUDA's or the loader's words
  int built_for = 0;   // the CUDA of this moca: 13000 is 13.0
  int driver = 0;      // the newest CUDA that the driver can do
  int count = 0;
  std::optional<std::string> visible;  // CUDA_VISIBLE_DEVICES
};

// Asks the driver first and loads the CUDA half of LibTorch only where there is a GPU: LibTorch
// itself says less of what is wrong, and in more lines.
GpuState find_gpus();

struct GpuDescription {
  std::string text;  // "NVIDIA H200, 139.8 GiB, driver for CUDA 13.0; CUDA 13.0, cuDNN 9.19.0"
  std::string id;    // of this GPU among those of all machines
};
GpuDescription describe_gpu(c10::Device device, const GpuState& gpus);

// "13.0" of 13000.
std::string cuda_version(int number);

// What `name` means where the GPUs are such. Asks nothing of CUDA; `text` ends with the reason.
DeviceChoice choose_device(const std::string& name, LocalProcess process, const GpuState& gpus);

}  // namespace moca::ops
