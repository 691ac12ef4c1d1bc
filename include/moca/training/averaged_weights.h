#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "moca/checkpoint/weights.h"
#include "moca/training/parameter_groups.h"

namespace moca::training {

// The decay of update `step` (0 the first): min(decay, 1 - (1 + step)^-0.75), so that the average
// follows quickly at first (PartCrafter: inv_gamma 1, power 0.75).
double ema_decay_at(double decay, int64_t step);

struct AveragingOptions {
  double decay = 0.9999;
  bool on_cpu = false;  // keeps the averages in main memory
};

// The exponential moving average of a model's trainable parameters, of this process's share of
// them.
class AveragedWeights {
 public:
  AveragedWeights(const torch::nn::Module& model, AveragingOptions options,
                  const ParameterShards& shards = {});

  void update(int64_t step);
  // Exchanges this process's parameters with their averages; a second call restores both.
  void exchange();
  // This process's parameters averaged and, on the first one, everything else (buffers, frozen
  // parameters) as in the model now.
  checkpoint::NamedTensors state() const;
  void load(const checkpoint::Weights& weights);

 private:
  const torch::nn::Module& model_;
  AveragingOptions options_;
  bool is_first_;
  std::set<std::string> others_;  // trainable parameters of other processes
  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> averages_;
};

}  // namespace moca::training
