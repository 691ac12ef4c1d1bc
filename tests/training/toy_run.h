#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/core/file_io.h"
#include "moca/training/trainer.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/toy_stage.h"

namespace moca::training {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The folder of one run.
class ToyRun {
 public:
  explicit ToyRun(const std::string& name = "run") : path_(folder_ / name) {
    std::filesystem::create_directories(path_);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }

  StopReason train(Stage& stage, const TrainingConfig& config,
                   const Validation& validation = nullptr) const {
    distributed::ProcessGroup alone;
    return Trainer(stage, config, {alone, at::kCPU, path_}, validation).train();
  }
  StopReason train(Stage&& stage, const TrainingConfig& config) const {
    return train(stage, config);
  }
  StopReason resume(Stage& stage, const TrainingConfig& config) const {
    distributed::ProcessGroup alone;
    Trainer trainer(stage, config, {alone, at::kCPU, path_});
    trainer.resume();
    return trainer.train();
  }
  StopReason resume(Stage&& stage, const TrainingConfig& config) const {
    return resume(stage, config);
  }

  std::vector<std::string> names_of_checkpoints() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(checkpoints())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  // The bytes of a file of the checkpoint of `step`.
  std::string checkpointed(const std::string& file, int64_t step) const {
    return read_file(checkpoint::step_folder(checkpoints(), step) / file);
  }

  std::vector<nlohmann::json> metrics() const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(read_file(path_ / "metrics.jsonl"));
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
  }
  std::vector<int64_t> steps_in_metrics() const {
    std::vector<int64_t> steps;
    for (const auto& line : metrics()) {
      steps.push_back(line.at("step"));
    }
    return steps;
  }

 private:
  testing::TemporaryFolder folder_;
  std::filesystem::path path_;
};

// The message of the failure that ends `run`.
template <class Run>
std::string failure_of(const Run& run) {
  try {
    run();
  } catch (const TrainingFailure& failure) {
    return failure.what();
  }
  return "no failure";
}

// What a run says on its way.
template <class Run>
std::string said_by(const Run& run) {
  ::testing::internal::CaptureStderr();
  run();
  return ::testing::internal::GetCapturedStderr();
}

}  // namespace moca::training
