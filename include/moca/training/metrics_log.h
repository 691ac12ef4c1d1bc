#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace moca::training {

// metrics.jsonl: one object a line, its key the step; the source of every curve.
class MetricsLog {
 public:
  // Lines after `last_step` (of a run that is resumed from an older checkpoint) are dropped.
  MetricsLog(const std::filesystem::path& file, int64_t last_step);

  void record(int64_t step, const std::vector<std::pair<std::string, double>>& values);

 private:
  std::filesystem::path file_;
  std::ofstream stream_;
};

}  // namespace moca::training
