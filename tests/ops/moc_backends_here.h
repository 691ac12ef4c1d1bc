#pragma once

#include <vector>

#include "moca/ops/moc_attention.h"
#include "tests/support/test_device.h"

namespace moca::testing {

// The backends that compute on the device of the tests, beside the definition: the tiles are of a
// CPU's caches.
inline std::vector<ops::MocBackend> moc_backends_here() {
  if (device().is_cpu()) {
    return {ops::MocBackend::kPacked, ops::MocBackend::kTiled};
  }
  return {ops::MocBackend::kPacked};
}

}  // namespace moca::testing
