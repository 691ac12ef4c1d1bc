#include "moca/training/vae_training.h"

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

#include "component_batch.h"
#include "moca/core/generator.h"
#include "moca/core/mapped.h"
#include "moca/core/text.h"
#include "moca/core/transfer.h"
#include "moca/nn/flops.h"
#include "prefetcher.h"

namespace moca::training {
namespace {

class ComponentLoader : public Batches {
 public:
  ComponentLoader(std::shared_ptr<const data::PreparedDataset> dataset, int64_t num_surface_points,
                  int64_t num_query_points, const BatchSetup& batches)
      : dataset_(std::move(dataset)),
        num_surface_points_(num_surface_points),
        num_query_points_(num_query_points),
        seed_(batches.seed),
        components_(components_of(*dataset_, dataset_->indices_of("train"))),
        plan_(std::vector<int64_t>(components_.size(), 1), batches.rule, seed_),
        prefetcher_([this](MicroBatch batch) { return prepare(batch); }, batches.share,
                    batches.num_threads) {}

  void load(MicroBatch batch) override { prefetcher_.get(batch); }
  double weight(MicroBatch batch) override { return plan_.weight(batch); }
  int64_t num_components(MicroBatch batch) override { return plan_.num_components(batch); }

  const ComponentBatch& batch(MicroBatch wanted) { return prefetcher_.get(wanted); }

  std::string asset_names(MicroBatch batch) override {
    return joined(components(batch), ", ", [&](const ComponentIndex& chosen) {
      const auto& record = dataset_->records()[chosen.asset];
      return record.id + "/" + record.component_names[chosen.component];
    });
  }

 private:
  std::vector<ComponentIndex> components(MicroBatch batch) {
    return mapped(plan_.samples(batch), [&](int64_t sample) { return components_[sample]; });
  }

  std::function<ComponentBatch()> prepare(MicroBatch batch) {
    return [this, chosen = components(batch),
            seed = stream_seed(seed_, "VAE batch", batch.step, batch.index)] {
      return draw_components(*dataset_, chosen, num_surface_points_, num_query_points_, seed);
    };
  }

  std::shared_ptr<const data::PreparedDataset> dataset_;
  int64_t num_surface_points_, num_query_points_;  // of a component
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

class VaeStage : public Stage {
 public:
  VaeStage(const vae::VecsetVae& vae, const std::shared_ptr<const data::PreparedDataset>& dataset,
           const VaeTrainingConfig& config, const BatchSetup& batches)
      : Stage({"field_loss", "kl"}),
        vae_(vae),
        config_(config),
        seed_(batches.seed),
        batches_(dataset, vae->config().num_surface_points, config.num_query_points, batches) {}

  torch::nn::Module& model() override { return *vae_; }
  Batches& batches() override { return batches_; }

  at::Tensor loss(MicroBatch micro_batch) override {
    const auto device = vae_->parameters().front().device();
    const auto& batch = batches_.batch(micro_batch);
    auto generator = generator_for(seed_, "VAE step", micro_batch.step, micro_batch.index);
    const auto posterior = vae_->encode(to_device(batch.surface_points, device),
                                        to_device(batch.surface_normals, device), generator);
    const auto noise =
        to_device(at::randn(posterior.mean.sizes(), generator, at::TensorOptions()), device);
    const auto latents = posterior.sample(noise);
    const auto field =
        vae_->query_field(vae_->decode(latents), to_device(batch.query_points, device));
    const auto of_field = field_loss(field, to_device(batch.query_distances, device), config_);
    const auto kl = posterior.kl();
    measurements_.add("field_loss", of_field);
    measurements_.add("kl", kl);
    return of_field + config_.kl_weight * kl;
  }

  double flops(MicroBatch batch) override {
    return static_cast<double>(batches_.num_components(batch)) * nn::kForwardAndBackward *
           (vae_->config().encode_flops(vae_->config().num_surface_points) +
            vae_->config().decode_flops(config_.num_query_points));
  }

 private:
  vae::VecsetVae vae_;
  VaeTrainingConfig config_;
  uint64_t seed_;
  ComponentLoader batches_;
};

}  // namespace

std::unique_ptr<Stage> vae_stage(const vae::VecsetVae& vae,
                                 const std::shared_ptr<const data::PreparedDataset>& dataset,
                                 const VaeTrainingConfig& config, const BatchSetup& batches) {
  return std::make_unique<VaeStage>(vae, dataset, config, batches);
}

}  // namespace moca::training
