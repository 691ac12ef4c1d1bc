#include "moca/nn/autocast.h"

#include <ATen/autocast_mode.h>

namespace moca::nn {

Autocast::Autocast(c10::Device device, bool enabled)
    : type_(device.type()),
      enabled_before_(at::autocast::is_autocast_enabled(device.type())),
      enabled_(enabled) {
  if (enabled_) {
    at::autocast::set_autocast_enabled(type_, true);
    at::autocast::set_autocast_dtype(type_, at::kBFloat16);
    at::autocast::increment_nesting();
  }
}

Autocast::~Autocast() {
  if (enabled_) {
    if (at::autocast::decrement_nesting() == 0) {
      at::autocast::clear_cache();
    }
    at::autocast::set_autocast_enabled(type_, enabled_before_);
  }
}

}  // namespace moca::nn
