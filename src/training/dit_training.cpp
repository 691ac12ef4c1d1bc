#include "moca/training/dit_training.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "dit_measurements.h"
#include "latent_source.h"
#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/core/progress.h"
#include "moca/flow/rectified_flow.h"
#include "moca/image_encoder/image_encoder.h"
#include "prefetcher.h"

namespace moca::training {
namespace {

struct AssetBatch {
  at::Tensor latents;         // [B, N, L, C], standardised, zero where absent
  at::Tensor images;          // [B, 3, S, S]
  at::Tensor component_mask;  // [B, N]
};

// What an asset gives to a micro-batch besides its latents.
struct AssetSample {
  int64_t asset = 0;
  uint64_t seed = 0;  // draws its latents
  at::Tensor image;   // [3, S, S]
};

class AssetLoader {
 public:
  explicit AssetLoader(const DitTrainingSetup& setup)
      : setup_(setup),
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

  AssetBatch batch(MicroBatch which, Measurements& measurements) {
    std::vector<at::Tensor> latents, images;
    int64_t N = 0;
    const auto start = std::chrono::steady_clock::now();
    const auto samples = prefetcher_.get(which);
    measurements.add("data_wait_seconds", seconds_since(start));
    for (const auto& [asset, seed, image] : samples) {
      latents.push_back(
          setup_.denoiser->latent_statistics()->standardise(source_.latents(asset, seed)));
      images.push_back(image);
      N = std::max(N, latents.back().size(0));
    }
    return padded(latents, images, N);
  }

  double weight(MicroBatch which) { return plan_.weight(which); }
  int64_t num_components(MicroBatch which) { return plan_.num_components(which); }

  std::string contents(MicroBatch which) {
    std::string names;
    for (const int64_t sample : plan_.samples(which)) {
      names += (names.empty() ? "" : ", ") + setup_.dataset->records()[assets_[sample]].id;
    }
    return names;
  }

 private:
  AssetBatch padded(const std::vector<at::Tensor>& latents, const std::vector<at::Tensor>& images,
                    int64_t N) const {
    const auto B = static_cast<int64_t>(latents.size());
    AssetBatch batch;
    batch.latents = at::zeros({B, N, latents[0].size(1), latents[0].size(2)}, latents[0].options());
    batch.component_mask = at::zeros({B, N}, latents[0].options().dtype(at::kBool));
    for (int64_t b = 0; b < B; ++b) {
      batch.latents[b].narrow(0, 0, latents[b].size(0)).copy_(latents[b]);
      batch.component_mask[b].narrow(0, 0, latents[b].size(0)).fill_(true);
    }
    batch.images = image_encoder::normalise_images(at::stack(images)).to(latents[0].device());
    return batch;
  }

  std::vector<int64_t> num_components() const {
    std::vector<int64_t> counts;
    for (const int64_t asset : assets_) {
      counts.push_back(setup_.dataset->records()[asset].num_components());
    }
    return counts;
  }

  std::function<std::vector<AssetSample>()> prepare(MicroBatch which) {
    std::vector<AssetSample> samples;
    auto place = static_cast<uint64_t>(plan_.place(which));
    for (const int64_t sample : plan_.samples(which)) {
      const uint64_t seed =
          stream_seed(setup_.batches.seed, "asset of a batch", which.step, place++);
      samples.push_back({assets_[sample], seed, at::Tensor()});
    }
    return [dataset = setup_.dataset, samples]() mutable {
      for (auto& sample : samples) {
        const auto num_views = dataset->records()[sample.asset].views.size();
        sample.image = dataset->image(
            sample.asset, static_cast<int64_t>(stream_seed(sample.seed, "view") % num_views));
      }
      return samples;
    };
  }

  DitTrainingSetup setup_;
  std::vector<int64_t> assets_;
  data::MicroBatchPlan plan_;
  LatentSource source_;
  Prefetcher<std::vector<AssetSample>> prefetcher_;  // last: its threads use the others
};

// Before the first step: what is wrong would come up only when such an asset is drawn.
void check_dataset(const DitTrainingSetup& setup) {
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
}

}  // namespace

TrainingTask dit_training(const DitTrainingSetup& setup) {
  check_dataset(setup);
  if (setup.config.activation_checkpointing) {
    setup.denoiser->dit()->checkpoint_activations();
  }
  const auto loader = std::make_shared<AssetLoader>(setup);
  const auto measurements = dit_measurements();
  const auto loss = [denoiser = setup.denoiser, config = setup.config, flow = setup.flow,
                     seed = setup.batches.seed, loader, measurements](MicroBatch which) mutable {
    const auto batch = loader->batch(which, *measurements);
    const int64_t B = batch.latents.size(0);
    const auto device = batch.latents.device();
    auto generator = generator_for(seed, "DiT step", which.step, which.index);

    const auto noisy =
        flow::add_noise(batch.latents, generator, flow);  // one noise level for all N
    const auto kept =
        (at::rand({B, 1, 1}, generator, at::TensorOptions()) >= config.condition_dropout)
            .to(device);
    const auto image_tokens =
        denoiser->image_encoder()->forward(batch.images) * kept;  // zeros: null condition
    const auto component_ids = dit::draw_component_ids(
        B, batch.latents.size(1), denoiser->dit()->config().codebook_size, generator);

    const auto velocity =
        denoiser->dit()->forward({noisy.noisy_latents, noisy.noise_level, image_tokens,
                                  component_ids.to(device), batch.component_mask},
                                 generator);
    measure_losses(*measurements, noisy, velocity, batch.component_mask);
    return flow::velocity_loss(velocity, noisy.velocity, batch.component_mask,
                               flow::loss_weight(noisy.noise_level, flow.loss_weighting));  // Eq. 9
  };
  return {setup.denoiser.ptr(),
          loss,
          [loader](MicroBatch which) { return loader->weight(which); },
          [loader](MicroBatch which) { return loader->contents(which); },
          measurements,
          [measurements, dit = setup.denoiser->dit()] { measure_routers(*measurements, dit); },
          [loader](MicroBatch which) { return loader->num_components(which); }};
}

}  // namespace moca::training
