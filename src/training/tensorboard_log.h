#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "moca/training/measurements.h"

namespace moca::training {

// Scalars in the event files that TensorBoard shows: TFRecord frames around tensorflow.Event
// messages. A run that is resumed begins a new file, which tells TensorBoard to forget later steps
// of the older ones.
class TensorboardLog {
 public:
  TensorboardLog(const std::filesystem::path& folder, int64_t last_step);

  void record(int64_t step, const NamedValues& values);

 private:
  void write_event(const std::string& event);

  std::filesystem::path file_;
  std::ofstream stream_;
};

}  // namespace moca::training
