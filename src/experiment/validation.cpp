#include "moca/experiment/validation.h"

#include <algorithm>
#include <cstdio>

#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/evaluation/geometry_metrics.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/generation/component_generator.h"

namespace moca::experiment {
namespace {

std::vector<int64_t> assets_of(const data::PreparedDataset& dataset, int64_t count) {
  auto assets = dataset.indices_of("test");
  if (assets.empty()) {
    assets = dataset.indices_of("train");
  }
  assets.resize(std::min(assets.size(), static_cast<size_t>(count)));
  return assets;
}

std::vector<std::pair<std::string, double>> means_of(
    const std::vector<evaluation::SceneMetrics>& scores, const evaluation::MetricConfig& metrics) {
  const auto mean = [&](const auto& figure) {
    std::vector<double> values;
    for (const auto& score : scores) {
      values.push_back(figure(score));
    }
    return mean_of(values);
  };
  std::vector<std::pair<std::string, double>> means = {
      {"validation_chamfer", mean([](const auto& score) { return score.points.chamfer; })},
      {"validation_self_iou", mean([](const auto& score) { return score.self_iou_mean; })}};
  for (size_t i = 0; i < metrics.thresholds.size(); ++i) {
    char name[48];
    std::snprintf(name, sizeof(name), "validation_f_score_%g", metrics.thresholds[i]);
    means.emplace_back(name, mean([i](const auto& score) { return score.points.f_scores[i]; }));
  }
  return means;
}

}  // namespace

Validation validation_of(const RunConfig& config,
                         const std::shared_ptr<const data::PreparedDataset>& dataset,
                         const vae::VecsetVae& vae, const generation::ComponentDenoiser& denoiser,
                         c10::Device device) {
  auto scene_of = [=, vae = vae, denoiser = denoiser](int64_t asset) mutable {
    if (denoiser.is_empty()) {
      return reconstruct(vae, *dataset, asset, config, device);
    }
    generation::ComponentGenerator generator(
        denoiser, vae, config.sampler, config.decoder,
        config.training.precision == training::Precision::kBf16);
    // Of several views the first: a validation is to be quick.
    const auto& record = dataset->records()[asset];
    const auto view = views_of(config.evaluation, record).front();
    const auto seed = generation_seed(config.evaluation, record);
    return generator.generate({request_of(*dataset, asset, view, seed)}).front();
  };
  return [=, vae = vae]() mutable -> std::vector<std::pair<std::string, double>> {
    vae->eval();
    std::vector<evaluation::SceneMetrics> scores;
    try {
      for (const int64_t asset : assets_of(*dataset, config.training.validation_assets)) {
        stop_if_interrupted();
        scores.push_back(evaluation::compare_scenes(scene_of(asset), dataset->reference(asset),
                                                    config.evaluation.metrics));
      }
    } catch (const Interrupted&) {
      log::info("the validation was cut short");
      return {};  // the run stops at its next step
    }
    return means_of(scores, config.evaluation.metrics);
  };
}

}  // namespace moca::experiment
