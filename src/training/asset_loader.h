#pragma once

#include <functional>
#include <string>
#include <vector>

#include "latent_source.h"
#include "moca/training/dit_training.h"
#include "prefetcher.h"

namespace moca::training {

struct AssetBatch {
  at::Tensor latents;              // [B, N, L, C], standardised, zero where absent
  std::vector<at::Tensor> inputs;  // of every conditioner, [B, ...]
  at::Tensor component_mask;       // [B, N]
};

// The micro-batches of the MoCA stage: what their assets look like and the latents of all their
// components. Of these, the frozen VAE's encoder draws new ones at every step or a few at the
// start.
class AssetLoader {
 public:
  // Measures the latents' statistics, if asked to. Throws Error for a dataset that does not fit.
  explicit AssetLoader(const DitTrainingSetup& setup);

  // Waits for what is read from the disk.
  void load(MicroBatch which) { prefetcher_.get(which); }
  AssetBatch batch(MicroBatch which);

  double weight(MicroBatch which) { return plan_.weight(which); }
  int64_t num_components(MicroBatch which) { return plan_.num_components(which); }
  std::string contents(MicroBatch which);
  // Of everything a micro-batch asks for, its backward pass included.
  double flops(MicroBatch which);

 private:
  // What an asset gives to a micro-batch besides its latents.
  struct Sample {
    int64_t asset = 0;
    uint64_t seed = 0;               // draws its latents
    std::vector<at::Tensor> inputs;  // of every conditioner
  };

  std::vector<int64_t> num_components() const;  // of all assets
  std::function<std::vector<Sample>()> prepare(MicroBatch which);
  std::vector<at::Tensor> inputs(const Sample& sample) const;

  DitTrainingSetup setup_;
  std::vector<int64_t> assets_;
  data::MicroBatchPlan plan_;
  LatentSource source_;
  Prefetcher<std::vector<Sample>> prefetcher_;  // last: its threads use the others
};

}  // namespace moca::training
