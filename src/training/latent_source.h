#pragma once

#include <memory>
#include <vector>

#include "moca/data/prepared_dataset.h"
#include "moca/vae/vecset_vae.h"

namespace moca::training {

// Latents of assets from the frozen VAE: drawn from encodings made at the start, or encoded anew.
class LatentSource {
 public:
  // num_cached encodings of every component of `assets` are made now; 0: none.
  LatentSource(vae::VecsetVae vae, std::shared_ptr<const data::PreparedDataset> dataset,
               const std::vector<int64_t>& assets, int64_t num_cached, uint64_t seed);

  // Posterior samples [N, L, C] of one asset; `seed` draws points, noise or the cached encoding.
  at::Tensor latents(int64_t asset, uint64_t seed);

  // [n, L, C] of many components, for statistics.
  at::Tensor samples();

 private:
  at::Tensor encode(int64_t asset, uint64_t seed);

  vae::VecsetVae vae_;
  std::shared_ptr<const data::PreparedDataset> dataset_;
  std::vector<int64_t> assets_;
  uint64_t seed_;
  std::vector<std::vector<at::Tensor>> cached_;  // [asset][encoding], empty where nothing is cached
};

}  // namespace moca::training
