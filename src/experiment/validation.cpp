#include "validation.h"

#include <algorithm>
#include <string>

#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/mapped.h"
#include "moca/evaluation/metric.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/generation/component_generator.h"
#include "moca/training/measurements.h"

namespace moca::experiment {
namespace {

// Those that nothing is trained on, of whatever split; of a dataset without any those trained on.
std::vector<int64_t> assets_of(const data::PreparedDataset& dataset, int64_t count) {
  std::vector<int64_t> assets;
  const auto& records = dataset.records();
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].split != "train") {
      assets.push_back(static_cast<int64_t>(i));
    }
  }
  if (assets.empty()) {
    assets = dataset.indices_of("train");
  }
  assets.resize(std::min(assets.size(), static_cast<size_t>(count)));
  return assets;
}

}  // namespace

training::Validation validation_of(const RunConfig& config,
                                   const std::shared_ptr<const data::PreparedDataset>& dataset,
                                   const vae::VecsetVae& vae,
                                   const generation::ComponentDenoiser& denoiser) {
  auto scene_of = [=, vae = vae, denoiser = denoiser,
                   conditioners =
                       generation::make_conditioners(config.condition)](int64_t asset) mutable {
    if (denoiser.is_empty()) {
      return reconstruct(vae, *dataset, asset, config.evaluation.seed, config.decoder,
                         config.training.uses_bf16());
    }
    generation::ComponentGenerator generator(denoiser, vae, config.sampler, config.decoder,
                                             config.training.uses_bf16());
    // Of several views the first: a validation is to be quick.
    const auto& record = dataset->records()[asset];
    const auto view = views_of(config.evaluation, record).front();
    const auto seed = generation_seed(config.evaluation, record);
    return generator.generate({request_of(*dataset, asset, view, seed, conditioners)}).front();
  };
  return [=, vae = vae]() mutable -> training::NamedValues {
    vae->eval();
    evaluation::Scores means;
    const auto assets = assets_of(*dataset, config.training.validation_assets);
    try {
      for (const int64_t asset : assets) {
        stop_if_interrupted();
        const auto scores = evaluation::compare_scenes(
            scene_of(asset), dataset->reference(asset), config.evaluation.metrics,
            evaluation::Scored::kAll, vae->parameters().front().device());
        evaluation::add_share(scores, static_cast<double>(assets.size()), means);
      }
    } catch (const Interrupted&) {
      log::info("the validation was cut short");
      return {};  // the run stops at its next step
    } catch (const Error& failure) {
      log::warn(std::string("this validation has no scores: ") + failure.what());
      return {};
    }
    return mapped(evaluation::labelled(means), [](const evaluation::Score& mean) {
      return std::pair{"validation_" + mean.name, mean.value};
    });
  };
}

}  // namespace moca::experiment
