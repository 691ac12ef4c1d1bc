#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <vector>

#include "moca/checkpoint/weights.h"

namespace moca::training {

// The decay of update `step` (0 the first): min(decay, 1 - (1 + step)^-0.75), so that the average
// follows quickly at first (PartCrafter: inv_gamma 1, power 0.75).
double ema_decay_at(double decay, int64_t step);

// The exponential moving average of a model's trainable parameters.
class AveragedWeights {
 public:
  AveragedWeights(const torch::nn::Module& model, double decay);

  void update(int64_t step);
  // Parameters averaged, everything else (buffers, frozen parameters) as in the model now.
  checkpoint::NamedTensors state() const;
  void load(const checkpoint::Weights& weights);

 private:
  const torch::nn::Module& model_;
  double decay_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> averages_;
};

}  // namespace moca::training
