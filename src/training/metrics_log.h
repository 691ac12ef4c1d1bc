#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>

#include "moca/training/measurements.h"
#include "tensorboard_log.h"

namespace moca::training {

// metrics.jsonl: one object a line, its key the step; the source of every curve. TensorBoard gets
// the same values.
class MetricsLog {
 public:
  // Lines after `last_step` (of a run that is resumed from an older checkpoint) are dropped.
  MetricsLog(const std::filesystem::path& run_folder, int64_t last_step);

  void record(int64_t step, const NamedValues& values);

 private:
  std::filesystem::path file_;
  std::ofstream stream_;
  std::optional<TensorboardLog> tensorboard_;
};

}  // namespace moca::training
