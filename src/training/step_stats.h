#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>
#include <string>

#include "moca/core/text.h"

namespace moca::training {

// Of one micro-batch, read at the end of the step: so that a GPU is not waited for in between.
struct MicroBatchLoss {
  at::Tensor value;
  double weight;  // in the step's loss
  std::string asset_names;
};

struct StepStats {
  double loss = 0;           // of all ranks' micro-batches
  double gradient_norm = 0;  // before clipping
  double learning_rate = 0;

  bool is_finite() const { return std::isfinite(loss) && std::isfinite(gradient_norm); }
};

// "%.4f" and so on; "nan" without a sign, which means nothing.
inline std::string text_of(double value, const char* format = "%f") {
  return formatted(format, std::isnan(value) ? std::abs(value) : value);
}

}  // namespace moca::training
