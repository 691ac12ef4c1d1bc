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
  at::Tensor component_mask;       // [B, N], on the host
};

// The micro-batches of the MoCA stage: what their assets look like and the latents of all their
// components. Of these, the frozen VAE's encoder draws new ones at every step or a few at the
// start.
class AssetLoader : public Batches {
 public:
  // Measures the latents' statistics, if asked to. Throws Error for a dataset that does not fit.
  explicit AssetLoader(const DitTrainingSetup& setup);

  void load(MicroBatch batch) override { prefetcher_.get(batch); }
  double weight(MicroBatch batch) override { return plan_.weight(batch); }
  std::string asset_names(MicroBatch batch) override;
  int64_t num_components(MicroBatch batch) override { return plan_.num_components(batch); }

  AssetBatch batch(MicroBatch wanted);
  // Of everything a micro-batch asks for, its backward pass included.
  double flops(MicroBatch batch);

 private:
  // What is read and drawn ahead.
  struct Loaded {
    LatentDraws latents;
    std::vector<at::Tensor> inputs;  // of every conditioner, [B, ...]
  };

  std::function<Loaded()> prepare(MicroBatch batch);
  std::vector<at::Tensor> inputs(const std::vector<LatentRequest>& samples) const;

  DitTrainingSetup setup_;
  std::vector<int64_t> assets_;
  data::MicroBatchPlan plan_;
  LatentSource source_;
  Prefetcher<Loaded> prefetcher_;  // last: its threads use the others
};

}  // namespace moca::training
