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

// The device a setting names: "cpu", "cuda" (the first GPU; of several processes each gets its
// own), "cuda:N", or "auto" (a GPU where one can be used, else the CPU). The CUDA half of LibTorch
// is loaded only here, so that the program starts on machines without it. Floats are computed as
// floats there: cuDNN's convolutions would use TF32. Throws Error when a GPU is asked for and
// cannot be had.
c10::Device select_device(const std::string& name, LocalProcess process = {});

// LibTorch computes with `count` threads from here on; 0: with as many as this process had at the
// first call, divided by the processes of this machine that train together.
void use_threads(int64_t count, int num_processes = 1);

// Waits until a GPU has done what it was given; a CPU always has.
void synchronize(c10::Device device);

}  // namespace moca::ops
