#include "metrics_log.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca::training {
namespace {

// The lines of steps up to `last_step`; a line cut short by a kill is dropped.
std::string lines_up_to(const std::filesystem::path& file, int64_t last_step) {
  std::string kept;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.value("step", last_step + 1) <= last_step) {
      kept += line + "\n";
    }
  }
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& run_folder, int64_t last_step)
    : file_(run_folder / "metrics.jsonl") {
  if (std::filesystem::exists(file_)) {
    write_file(file_, lines_up_to(file_, last_step));
  }
  stream_.open(file_, std::ios::app);
  if (!stream_) {
    throw Error("cannot write ", file_, ". Choose a folder that can be written to.");
  }
  tensorboard_.emplace(run_folder, last_step);
}

void MetricsLog::record(int64_t step, const NamedValues& values) {
  nlohmann::ordered_json json = {{"step", step}};
  for (const auto& [name, value] : values) {
    json[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  }
  stream_ << json.dump() << std::endl;
  if (!stream_) {
    throw Error("cannot write ", file_, ": ", std::strerror(errno), ". Free space on the disk.");
  }
  tensorboard_->record(step, values);
}

}  // namespace moca::training
