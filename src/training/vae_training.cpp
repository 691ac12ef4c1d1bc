#include "moca/training/vae_training.h"

#include <ATen/ATen.h>

#include <future>
#include <vector>

#include "component_batch.h"
#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/data/data_order.h"

namespace moca::training {
namespace {

// Draws the batch of a step while the step before it is computed.
class ComponentLoader {
 public:
  ComponentLoader(std::shared_ptr<const data::PreparedDataset> dataset,
                  const VaeTrainingConfig& config, int64_t batch_size, uint64_t seed)
      : dataset_(std::move(dataset)),
        config_(config),
        batch_size_(batch_size),
        seed_(seed),
        components_(components_of(*dataset_, "train")),
        order_(static_cast<int64_t>(components_.size()), seed) {}

  ComponentBatch batch(int64_t step) {
    ComponentBatch wanted;
    if (next_.valid()) {
      wanted = next_.get();  // also ends the thread that shares order_
    }
    if (next_step_ != step) {
      wanted = load(step);
    }
    next_step_ = step + 1;
    next_ = std::async(std::launch::async, [this, step] { return load(step + 1); });
    return wanted;
  }

 private:
  ComponentBatch load(int64_t step) {
    std::vector<ComponentIndex> chosen;
    for (const int64_t sample : order_.batch(step, batch_size_)) {
      chosen.push_back(components_[sample]);
    }
    return draw_components(*dataset_, chosen, config_.num_surface_points, config_.num_query_points,
                           stream_seed(seed_, "VAE batch", step));
  }

  std::shared_ptr<const data::PreparedDataset> dataset_;
  VaeTrainingConfig config_;
  int64_t batch_size_;
  uint64_t seed_;
  std::vector<ComponentIndex> components_;
  data::DataOrder order_;
  int64_t next_step_ = -1;
  std::future<ComponentBatch> next_;
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
                          const VaeTrainingConfig& config, int64_t batch_size, uint64_t seed) {
  const auto loader = std::make_shared<ComponentLoader>(dataset, config, batch_size, seed);
  const auto loss = [vae = vae, loader, config, seed](int64_t step) mutable {
    const auto device = vae->parameters().front().device();
    const auto batch = loader->batch(step);
    auto generator = generator_for(seed, "VAE step", step);
    const auto posterior =
        vae->encode(batch.surface_points.to(device), batch.surface_normals.to(device), generator);
    const auto noise = at::randn(posterior.mean.sizes(), generator, at::TensorOptions()).to(device);
    const auto latents = posterior.sample(noise);
    const auto field = vae->query_field(vae->decode(latents), batch.query_points.to(device));
    return field_loss(field, batch.query_distances.to(device), config) +
           config.kl_weight * posterior.kl();
  };
  return {vae.ptr(), loss};
}

}  // namespace moca::training
