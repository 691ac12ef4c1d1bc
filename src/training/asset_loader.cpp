#include "asset_loader.h"

#include <ATen/ATen.h>

#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/core/random.h"
#include "moca/core/text.h"
#include "moca/core/transfer.h"
#include "moca/dit/flop_count.h"
#include "moca/nn/flops.h"

namespace moca::training {
namespace {

// Before the first step: what is wrong would come up only when such an asset is drawn.
const DitTrainingSetup& checked(const DitTrainingSetup& setup) {
  for (const auto& conditioner : setup.denoiser->conditioners()) {
    conditioner->check(*setup.dataset);
  }
  const auto require_at_most = [](const data::AssetRecord& record, int64_t most,
                                  const std::string& rule) {
    if (most > 0 && record.num_components() > most) {
      throw Error("the dataset's asset '", record.id, "' has ", record.num_components(),
                  " components, ", rule, " ", most,
                  ". Raise it, or prepare the data with fewer components.");
    }
  };
  for (const auto& record : setup.dataset->records()) {
    require_at_most(record, setup.denoiser->dit()->config().codebook_size,
                    "dit.codebook_size has ids for");
  }
  for (const int64_t asset : setup.dataset->indices_of("train")) {
    require_at_most(setup.dataset->records()[asset], setup.batches.rule.max_components,
                    "dit_training.max_components has room in a micro-batch for");
  }
  const auto& vae = setup.vae->config();
  if (vae.num_surface_points < vae.num_tokens) {
    throw Error("vae.num_surface_points (", vae.num_surface_points,
                ") must be at least the VAE's num_tokens (", vae.num_tokens, ").");
  }
  return setup;
}

}  // namespace

AssetLoader::AssetLoader(const DitTrainingSetup& setup)
    : setup_(checked(setup)),
      assets_(setup.dataset->indices_of("train")),
      plan_(mapped(assets_,
                   [&](int64_t asset) { return setup.dataset->records()[asset].num_components(); }),
            setup.batches.rule, setup.batches.seed),
      source_(setup.vae, setup.dataset, assets_, setup.config.num_cached_encodings,
              setup.batches.seed),
      prefetcher_([this](MicroBatch batch) { return prepare(batch); }, setup.batches.share,
                  setup.batches.num_threads) {
  if (setup.measure_latents) {
    setup_.denoiser->latent_statistics()->measure(source_.samples());
  }
}

AssetBatch AssetLoader::batch(MicroBatch wanted) {
  const auto& loaded = prefetcher_.get(wanted);
  const auto latents = mapped(source_.latents(loaded.latents), [&](const auto& of_asset) {
    return setup_.denoiser->latent_statistics()->standardise(of_asset);
  });
  const auto present =
      mapped(loaded.latents.num_components, [](int64_t N) { return at::ones({N}, at::kBool); });
  AssetBatch batch{at::pad_sequence(latents, /*batch_first=*/true),
                   {},
                   at::pad_sequence(present, /*batch_first=*/true)};
  batch.inputs = mapped(loaded.inputs,
                        [&](const auto& inputs) { return to_device(inputs, latents[0].device()); });
  return batch;
}

std::string AssetLoader::asset_names(MicroBatch batch) {
  return joined(plan_.samples(batch), ", ",
                [&](int64_t sample) { return setup_.dataset->records()[assets_[sample]].id; });
}

double AssetLoader::flops(MicroBatch batch) {
  const auto counts = mapped(plan_.samples(batch), [&](int64_t sample) {
    return setup_.dataset->records()[assets_[sample]].num_components();
  });
  const auto& vae = setup_.vae->config();
  const int64_t components = plan_.num_components(batch);
  dit::DitSizes sizes{vae.num_tokens, vae.latent_channels, {}};
  double conditions = 0;
  for (const auto& conditioner : setup_.denoiser->conditioners()) {
    sizes.conditions.push_back(conditioner->size());
    conditions += conditioner->flops(std::ssize(counts), components);
  }
  const double dit = dit::forward_flops(setup_.denoiser->dit()->config(), sizes, counts);
  const bool encodes = setup_.config.num_cached_encodings == 0;
  return nn::kForwardAndBackward * dit + conditions +
         (encodes ? static_cast<double>(components) * vae.encode_flops(vae.num_surface_points)
                  : 0.0);
}

std::function<AssetLoader::Loaded()> AssetLoader::prepare(MicroBatch batch) {
  std::vector<LatentRequest> samples;
  auto place = static_cast<uint64_t>(plan_.place(batch));
  for (const int64_t sample : plan_.samples(batch)) {
    samples.push_back({assets_[sample],
                       stream_seed(setup_.batches.seed, "asset of a batch", batch.step, place++)});
  }
  return [this, samples] { return Loaded{source_.draw(samples), inputs(samples)}; };
}

std::vector<at::Tensor> AssetLoader::inputs(const std::vector<LatentRequest>& samples) const {
  const auto device = setup_.vae->parameters().front().device();
  return mapped(setup_.denoiser->conditioners(), [&](const auto& conditioner) {
    const auto of_assets = mapped(samples, [&](const LatentRequest& sample) {
      const auto& views = setup_.dataset->records()[sample.asset].views;
      const auto view = static_cast<int64_t>(stream_seed(sample.seed, "view") % views.size());
      return conditioner->input(*setup_.dataset, sample.asset, view);
    });
    return pinned_for(device, at::pad_sequence(of_assets, /*batch_first=*/true));
  });
}

}  // namespace moca::training
