#include "latent_source.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <string>

#include "component_batch.h"
#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/progress.h"
#include "moca/core/transfer.h"

namespace moca::training {
namespace {

// Components from which statistics are measured when nothing is cached.
constexpr int64_t kMaxStatisticsAssets = 256;

// The components of `latents` [n, L, C] whose numbers are all finite. One that is not would spoil
// the statistics of all.
at::Tensor finite_of(const at::Tensor& latents, const std::string& id) {
  const auto finite = at::isfinite(latents).flatten(1).all(1);
  const auto count = finite.sum().item<int64_t>();
  if (count < latents.size(0)) {
    log::warn("asset " + id + ": the latents of " + std::to_string(latents.size(0) - count) +
              " components are not finite and left out of the statistics. Look at its points.");
  }
  return latents.index({finite});
}

}  // namespace

LatentSource::LatentSource(vae::VecsetVae vae, std::shared_ptr<const data::PreparedDataset> dataset,
                           const std::vector<int64_t>& assets, int64_t num_cached, uint64_t seed)
    : vae_(std::move(vae)),
      dataset_(std::move(dataset)),
      assets_(assets),
      seed_(seed),
      cached_(dataset_->records().size()) {
  Progress progress("encode", std::ssize(assets), "asset");
  int64_t done = 0;
  for (const int64_t asset : assets) {
    stop_if_interrupted();
    const auto stream = dataset_->records()[asset].stream;
    for (int64_t i = 0; i < num_cached; ++i) {
      cached_[asset].push_back(encode(asset, stream_seed(seed, "cached encoding", stream, i)));
    }
    progress.update(++done);
  }
}

at::Tensor LatentSource::encode(int64_t asset, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const auto batch = draw_components(*dataset_, components_of(*dataset_, {asset}),
                                     vae_->config().num_surface_points, 0, seed);
  const auto device = vae_->parameters().front().device();
  auto generator = generator_for(seed, "encoding");
  const auto posterior = vae_->encode(to_device(batch.surface_points, device),
                                      to_device(batch.surface_normals, device), generator);
  return posterior.sample(
      to_device(at::randn(posterior.mean.sizes(), generator, at::TensorOptions()), device));
}

at::Tensor LatentSource::latents(int64_t asset, uint64_t seed) {
  const auto& encodings = cached_[asset];
  return encodings.empty() ? encode(asset, seed) : encodings[seed % encodings.size()];
}

at::Tensor LatentSource::samples() {
  std::vector<at::Tensor> all;
  const auto count = std::min<int64_t>(std::ssize(assets_), kMaxStatisticsAssets);
  for (int64_t i = 0; i < count; ++i) {
    stop_if_interrupted();
    const auto& encodings = cached_[assets_[i]];
    const auto& record = dataset_->records()[assets_[i]];
    if (encodings.empty()) {
      all.push_back(finite_of(encode(assets_[i], stream_seed(seed_, "statistics", record.stream)),
                              record.id));
    }
    for (const auto& encoding : encodings) {
      all.push_back(finite_of(encoding, record.id));
    }
  }
  const auto samples = at::cat(all);
  if (samples.size(0) == 0) {
    throw Error(
        "no component of the dataset has finite latents. Look at the dataset, and at the VAE's "
        "run.");
  }
  return samples;
}

}  // namespace moca::training
