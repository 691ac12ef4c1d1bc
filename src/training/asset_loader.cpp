#include "asset_loader.h"

#include <ATen/ATen.h>

#include "moca/core/error.h"
#include "moca/core/random.h"
#include "moca/dit/flop_count.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/nn/flops.h"

namespace moca::training {
namespace {

// Before the first step: what is wrong would come up only when such an asset is drawn.
const DitTrainingSetup& checked(const DitTrainingSetup& setup) {
  const int64_t wanted = setup.denoiser->image_encoder()->config().image_size;
  if (setup.dataset->image_size() != wanted) {
    throw Error("the dataset's pictures are " + std::to_string(setup.dataset->image_size()) +
                " pixels wide, image_encoder.image_size is " + std::to_string(wanted) +
                ". Set data.views.image_size to it and prepare the data again.");
  }
  const int64_t num_ids = setup.denoiser->dit()->config().codebook_size;
  for (const auto& record : setup.dataset->records()) {
    if (num_ids > 0 && record.num_components() > num_ids) {
      throw Error("the dataset's asset '" + record.id + "' has " +
                  std::to_string(record.num_components()) +
                  " components, dit.codebook_size has ids for " + std::to_string(num_ids) +
                  ". Raise it, or prepare the data with fewer components.");
    }
  }
  for (const int64_t asset : setup.dataset->indices_of("train")) {
    const auto& record = setup.dataset->records()[asset];
    const int64_t room = setup.batches.rule.max_components;
    if (room > 0 && record.num_components() > room) {
      throw Error("the dataset's asset '" + record.id + "' has " +
                  std::to_string(record.num_components()) +
                  " components, dit_training.max_components has room for " + std::to_string(room) +
                  " in a micro-batch. Raise it, or prepare the data with fewer components.");
    }
  }
  const int64_t num_tokens = setup.vae->config().num_tokens;
  if (setup.num_surface_points < num_tokens) {
    throw Error("vae_training.num_surface_points (" + std::to_string(setup.num_surface_points) +
                ") must be at least the VAE's num_tokens (" + std::to_string(num_tokens) + ").");
  }
  return setup;
}

}  // namespace

AssetLoader::AssetLoader(const DitTrainingSetup& setup)
    : setup_(checked(setup)),
      sees_components_(setup.denoiser->image_encoder()->config().sees_components()),
      assets_(setup.dataset->indices_of("train")),
      plan_(num_components(), setup.batches.rule, setup.batches.seed),
      source_(setup.vae, setup.dataset, assets_, setup.config.num_cached_encodings,
              setup.num_surface_points, setup.batches.seed),
      prefetcher_([this](MicroBatch which) { return prepare(which); }, setup.batches.share,
                  setup.batches.num_threads) {
  if (setup.measure_latents) {
    setup_.denoiser->latent_statistics()->measure(source_.samples());
  }
}

AssetBatch AssetLoader::batch(MicroBatch which) {
  std::vector<at::Tensor> latents, images, present;
  for (const auto& [asset, seed, image] : prefetcher_.get(which)) {
    latents.push_back(
        setup_.denoiser->latent_statistics()->standardise(source_.latents(asset, seed)));
    images.push_back(image);
    present.push_back(at::ones({latents.back().size(0)}, latents[0].options().dtype(at::kBool)));
  }
  return {at::pad_sequence(latents, /*batch_first=*/true),
          at::pad_sequence(images, /*batch_first=*/true).to(latents[0].device()),
          at::pad_sequence(present, /*batch_first=*/true)};
}

std::string AssetLoader::contents(MicroBatch which) {
  std::string names;
  for (const int64_t sample : plan_.samples(which)) {
    names += (names.empty() ? "" : ", ") + setup_.dataset->records()[assets_[sample]].id;
  }
  return names;
}

double AssetLoader::flops(MicroBatch which) {
  std::vector<int64_t> counts;
  for (const int64_t sample : plan_.samples(which)) {
    counts.push_back(setup_.dataset->records()[assets_[sample]].num_components());
  }
  const auto& encoder = setup_.denoiser->image_encoder()->config();
  const auto& vae = setup_.vae->config();
  const dit::DitSizes sizes = {vae.num_tokens, vae.latent_channels, encoder.num_image_tokens(),
                               encoder.width, sees_components_};
  const double dit = dit::forward_flops(setup_.denoiser->dit()->config(), sizes, counts);
  const auto components = static_cast<double>(plan_.num_components(which));
  const double pictures = sees_components_ ? components : static_cast<double>(counts.size());
  const bool encodes = setup_.config.num_cached_encodings == 0;
  return nn::kForwardAndBackward * dit +
         (encoder.trainable ? nn::kForwardAndBackward : 1.0) * pictures * encoder.forward_flops() +
         (encodes ? components * vae.encode_flops(setup_.num_surface_points) : 0.0);
}

std::vector<int64_t> AssetLoader::num_components() const {
  std::vector<int64_t> counts;
  for (const int64_t asset : assets_) {
    counts.push_back(setup_.dataset->records()[asset].num_components());
  }
  return counts;
}

std::function<std::vector<AssetLoader::Sample>()> AssetLoader::prepare(MicroBatch which) {
  std::vector<Sample> samples;
  auto place = static_cast<uint64_t>(plan_.place(which));
  for (const int64_t sample : plan_.samples(which)) {
    const uint64_t seed = stream_seed(setup_.batches.seed, "asset of a batch", which.step, place++);
    samples.push_back({assets_[sample], seed, at::Tensor()});
  }
  return [this, samples]() mutable {
    for (auto& sample : samples) {
      sample.image = image(sample);
    }
    return samples;
  };
}

at::Tensor AssetLoader::image(const Sample& sample) const {
  const auto& dataset = *setup_.dataset;
  const auto& record = dataset.records()[sample.asset];
  const auto view = static_cast<int64_t>(stream_seed(sample.seed, "view") % record.views.size());
  const auto bytes = dataset.image(sample.asset, view);
  if (!sees_components_) {
    return image_encoder::normalise_images(bytes.unsqueeze(0))[0];
  }
  const auto map = dataset.component_map(sample.asset, view);
  if (!map.any().item<bool>()) {
    throw Error("asset " + record.id + ", view " + std::to_string(view) +
                ": the model sees component masks, but no component is marked in the image. Give "
                "VIEW_components.png in data.views.images and prepare the data again.");
  }
  return image_encoder::component_images(bytes, map, record.num_components());
}

}  // namespace moca::training
