#include "moca/training/vae_training.h"

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

#include "component_batch.h"
#include "moca/core/generator.h"
#include "moca/nn/flops.h"
#include "prefetcher.h"

namespace moca::training {
namespace {

class ComponentLoader {
 public:
  ComponentLoader(std::shared_ptr<const data::PreparedDataset> dataset,
                  const VaeTrainingConfig& config, const BatchSetup& batches)
      : dataset_(std::move(dataset)),
        config_(config),
        seed_(batches.seed),
        components_(components_of(*dataset_, "train")),
        plan_(std::vector<int64_t>(components_.size(), 1), batches.rule, seed_),
        prefetcher_([this](MicroBatch which) { return prepare(which); }, batches.share,
                    batches.num_threads) {}

  const ComponentBatch& batch(MicroBatch which) { return prefetcher_.get(which); }
  double weight(MicroBatch which) { return plan_.weight(which); }
  int64_t num_components(MicroBatch which) { return plan_.num_components(which); }

  std::string contents(MicroBatch which) {
    std::string names;
    for (const auto& [asset, component] : components(which)) {
      const auto& record = dataset_->records()[asset];
      names += (names.empty() ? "" : ", ") + record.id + "/" + record.component_names[component];
    }
    return names;
  }

 private:
  std::vector<ComponentIndex> components(MicroBatch which) {
    std::vector<ComponentIndex> chosen;
    for (const int64_t sample : plan_.samples(which)) {
      chosen.push_back(components_[sample]);
    }
    return chosen;
  }

  std::function<ComponentBatch()> prepare(MicroBatch which) {
    return [this, chosen = components(which),
            seed = stream_seed(seed_, "VAE batch", which.step, which.index)] {
      return draw_components(*dataset_, chosen, config_.num_surface_points,
                             config_.num_query_points, seed);
    };
  }

  std::shared_ptr<const data::PreparedDataset> dataset_;
  VaeTrainingConfig config_;
  uint64_t seed_;
  std::vector<ComponentIndex> components_;
  data::MicroBatchPlan plan_;
  Prefetcher<ComponentBatch> prefetcher_;  // last: its threads use the others
};

// distances: [n, Q], positive inside; field: [n, Q], the decoder's output.
at::Tensor field_loss(const at::Tensor& field, const at::Tensor& distances,
                      const VaeTrainingConfig& config) {
  if (config.target == FieldTarget::kOccupancy) {
    return at::binary_cross_entropy_with_logits(field, (distances > 0).to(at::kFloat));
  }
  return at::mse_loss(field, (distances / config.truncation).clamp(-1.0, 1.0));
}

}  // namespace

TrainingTask vae_training(const vae::VecsetVae& vae,
                          const std::shared_ptr<const data::PreparedDataset>& dataset,
                          const VaeTrainingConfig& config, const BatchSetup& batches) {
  const auto loader = std::make_shared<ComponentLoader>(dataset, config, batches);
  const auto measurements =
      std::make_shared<Measurements>(std::vector<std::string>{"field_loss", "kl"});
  const auto loss = [vae = vae, loader, config, seed = batches.seed,
                     measurements](MicroBatch which) mutable {
    const auto device = vae->parameters().front().device();
    const auto& batch = loader->batch(which);
    auto generator = generator_for(seed, "VAE step", which.step, which.index);
    const auto posterior =
        vae->encode(batch.surface_points.to(device), batch.surface_normals.to(device), generator);
    const auto noise = at::randn(posterior.mean.sizes(), generator, at::TensorOptions()).to(device);
    const auto latents = posterior.sample(noise);
    const auto field = vae->query_field(vae->decode(latents), batch.query_points.to(device));
    const auto of_field = field_loss(field, batch.query_distances.to(device), config);
    const auto kl = posterior.kl();
    measurements->add("field_loss", of_field.item<double>());
    measurements->add("kl", kl.item<double>());
    return of_field + config.kl_weight * kl;
  };
  return {.model = vae.ptr(),
          .load = [loader](MicroBatch which) { loader->batch(which); },
          .loss = loss,
          .weight = [loader](MicroBatch which) { return loader->weight(which); },
          .contents = [loader](MicroBatch which) { return loader->contents(which); },
          .measurements = measurements,
          .num_components = [loader](MicroBatch which) { return loader->num_components(which); },
          .flops =
              [loader,
               flops = nn::kForwardAndBackward *
                       (vae->config().encode_flops(config.num_surface_points) +
                        vae->config().decode_flops(config.num_query_points))](MicroBatch which) {
                return static_cast<double>(loader->num_components(which)) * flops;
              }};
}

}  // namespace moca::training
