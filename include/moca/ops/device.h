#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

namespace moca::ops {

// Which of the processes of this machine asks for a device.
struct LocalProcess {
  int rank = 0;
  int count = 1;
};

// Where a process computes, why, and by which versions of the libraries: the first line of a log.
struct DeviceChoice {
  c10::Device device = c10::kCPU;
  std::string text;  // "device cpu (device: auto, but ...); LibTorch 2.11.0"
  std::string gpu;   // names the GPU among those of all machines; empty: the CPU
};

// The device a setting names: "cpu", "cuda" (the first GPU; of several processes each gets its
// own, unless it sees one only), "cuda:N", or "auto" (a GPU where one can be used, else the CPU). A
// GPU becomes this thread's current device. The CUDA half of LibTorch is loaded only here, so that
// the program starts on machines without it. Floats are computed as floats there: cuDNN's
// convolutions would use TF32. Throws Error when a GPU is asked for and cannot be had.
DeviceChoice select_device(const std::string& name, LocalProcess process = {});

// The same for a process alone; the log says which it is.
c10::Device select_and_log_device(const std::string& name);

// LibTorch computes with `count` threads from here on; 0: with as many as this process had at the
// first call, divided by the processes of this machine that train together.
void use_threads(int64_t count, int num_processes = 1);

// Equal runs give equal bits on a GPU too from here on, by algorithms that take longer. An
// operation that has none throws.
void use_deterministic_algorithms(bool wanted);

// Waits until a GPU has done what it was given; a CPU always has.
void synchronize(c10::Device device);

// The most memory of a GPU that tensors took since the last call, in GiB.
double take_peak_gpu_memory_gib(c10::Device device);

}  // namespace moca::ops
