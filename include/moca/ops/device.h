#pragma once

#include <c10/core/Device.h>

#include <string>

namespace moca::ops {

// The device a setting names: "cpu", "cuda" (the first GPU), "cuda:N", or "auto" (a GPU where one
// can be used, else the CPU). The CUDA half of LibTorch is loaded only here, so that the program
// starts on machines without it. Throws Error when a GPU is asked for and cannot be had.
c10::Device select_device(const std::string& name);

}  // namespace moca::ops
