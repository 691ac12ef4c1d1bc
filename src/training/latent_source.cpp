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
      device_(vae_->parameters().front().device()),
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
      const auto drawn = draw_anew({{asset, stream_seed(seed, "cached encoding", stream, i)}});
      cached_[asset].push_back(encode(drawn)[0]);
    }
    progress.update(++done);
  }
}

LatentDraws LatentSource::draw(const std::vector<LatentRequest>& requests) const {
  if (cached_[requests[0].asset].empty()) {
    return draw_anew(requests);
  }
  LatentDraws draws;
  for (const auto& [asset, seed] : requests) {
    const auto& encodings = cached_[asset];
    draws.encodings.push_back(encodings[seed % encodings.size()]);
    draws.num_components.push_back(draws.encodings.back().size(0));
  }
  return draws;
}

LatentDraws LatentSource::draw_anew(const std::vector<LatentRequest>& requests) const {
  const auto& config = vae_->config();
  LatentDraws draws;
  std::vector<at::Tensor> points, normals, candidates, noise;
  for (const auto& [asset, seed] : requests) {
    const auto batch = draw_components(*dataset_, components_of(*dataset_, {asset}),
                                       config.num_surface_points, 0, seed);
    const int64_t N = batch.surface_points.size(0);
    auto generator = generator_for(seed, "encoding");
    draws.num_components.push_back(N);
    points.push_back(batch.surface_points);
    normals.push_back(batch.surface_normals);
    candidates.push_back(
        vae_->draw_candidates(config.num_surface_points, generator).expand({N, -1}));
    noise.push_back(
        at::randn({N, config.num_tokens, config.latent_channels}, generator, at::TensorOptions()));
  }
  draws.surface_points = pinned_for(device_, at::cat(points));
  draws.surface_normals = pinned_for(device_, at::cat(normals));
  draws.candidates = pinned_for(device_, at::cat(candidates));
  draws.noise = pinned_for(device_, at::cat(noise));
  return draws;
}

std::vector<at::Tensor> LatentSource::latents(const LatentDraws& draws) {
  return draws.encodings.empty() ? encode(draws) : draws.encodings;
}

std::vector<at::Tensor> LatentSource::encode(const LatentDraws& draws) {
  const torch::NoGradGuard no_grad;
  const auto posterior =
      vae_->encode(to_device(draws.surface_points, device_),
                   to_device(draws.surface_normals, device_), to_device(draws.candidates, device_));
  return posterior.sample(to_device(draws.noise, device_)).split_with_sizes(draws.num_components);
}

at::Tensor LatentSource::samples() {
  std::vector<at::Tensor> all;
  const auto count = std::min<int64_t>(std::ssize(assets_), kMaxStatisticsAssets);
  for (int64_t i = 0; i < count; ++i) {
    stop_if_interrupted();
    const auto& encodings = cached_[assets_[i]];
    const auto& record = dataset_->records()[assets_[i]];
    if (encodings.empty()) {
      const auto drawn = draw_anew({{assets_[i], stream_seed(seed_, "statistics", record.stream)}});
      all.push_back(finite_of(encode(drawn)[0], record.id));
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
