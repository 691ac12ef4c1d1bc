#pragma once

#include <memory>
#include <vector>

#include "moca/data/prepared_dataset.h"
#include "moca/vae/vecset_vae.h"

namespace moca::training {

struct LatentRequest {
  int64_t asset;
  uint64_t seed;  // draws points, noise or the cached encoding
};

// What the latents of several assets are made from.
struct LatentDraws {
  std::vector<int64_t> num_components;  // N of every asset
  std::vector<at::Tensor> encodings;    // [N, L, C] of every asset, where they are cached; else:
  // Of all assets' components n, on the host.
  at::Tensor surface_points, surface_normals;  // [n, P, 3]
  at::Tensor candidates;                       // [n, K], of which the tokens' points are chosen
  at::Tensor noise;                            // [n, L, C], standard normal
};

// Latents of assets from the frozen VAE: drawn from encodings made at the start, or encoded anew.
class LatentSource {
 public:
  // num_cached encodings of every component of `assets` are made now; 0: none.
  LatentSource(vae::VecsetVae vae, std::shared_ptr<const data::PreparedDataset> dataset,
               const std::vector<int64_t>& assets, int64_t num_cached, uint64_t seed);

  // Reads and draws, on any thread.
  LatentDraws draw(const std::vector<LatentRequest>& requests) const;

  // Posterior samples [N, L, C] of every asset, encoded all at once where none are cached.
  std::vector<at::Tensor> latents(const LatentDraws& draws);

  // [n, L, C] of many components, for statistics.
  at::Tensor samples();

 private:
  LatentDraws draw_anew(const std::vector<LatentRequest>& requests) const;
  std::vector<at::Tensor> encode(const LatentDraws& draws);

  vae::VecsetVae vae_;
  c10::Device device_;
  std::shared_ptr<const data::PreparedDataset> dataset_;
  std::vector<int64_t> assets_;
  uint64_t seed_;
  std::vector<std::vector<at::Tensor>> cached_;  // [asset][encoding], empty where nothing is cached
};

}  // namespace moca::training
