#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

#include "moca/training/stage.h"

namespace moca::training {

// What a run needs, found by a few steps, most of them on its largest micro-batch.
struct DryRun {
  int64_t num_parameters = 0;      // trainable
  int64_t largest_components = 0;  // of a micro-batch of this process
  double loss = 0;
  double seconds_per_step = 0;
  double tflops_per_step = 0;  // of this process
  // GiB. `peak` is what the process (on a GPU: its tensors) held at most, `states` what parameters,
  // gradients, the optimiser and averages are of it, `main_memory` what the process held in main
  // memory, with the copy that a checkpoint is written from.
  double peak = 0;
  double states = 0;
  double main_memory = 0;
};

// Steps from the first on whose micro-batches are looked through for the largest.
constexpr int64_t kDryRunSteps = 200;

// Changes the stage's model; nothing is written.
DryRun dry_run(Stage& stage, const TrainingConfig& config, const MicroBatchShare& share,
               c10::Device device);

// For a person: three lines.
std::string text_of(const DryRun& found, const TrainingConfig& config, c10::Device device);

}  // namespace moca::training
