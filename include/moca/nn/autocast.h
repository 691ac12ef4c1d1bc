#pragma once

#include <c10/core/Device.h>

namespace moca::nn {

// While it lives, matrix products on `device` run in bf16 over float weights (when enabled); the
// cache of cast weights is dropped at the end.
class Autocast {
 public:
  Autocast(c10::Device device, bool enabled);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType type_;
  bool enabled_before_;
  bool enabled_;
};

}  // namespace moca::nn
