#include "moca/experiment/evaluation_result.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "moca/config/schema.h"
#include "model_json.h"

namespace moca::experiment {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kNumWorst = 10;

std::string key_of(double threshold) {
  char text[32];
  std::snprintf(text, sizeof(text), "f_score_%g", threshold);
  return text;
}

// Nothing for what was not scored (a run of stage vae generates nothing).
Json json_of(const evaluation::PointMetrics& points, const std::vector<double>& thresholds) {
  if (points.f_scores.empty()) {
    return Json::object();
  }
  Json json = {{"chamfer", points.chamfer}};
  for (size_t i = 0; i < thresholds.size(); ++i) {
    json[key_of(thresholds[i])] = points.f_scores[i];
  }
  return json;
}

Json json_of(const evaluation::SceneMetrics& scene, const std::vector<double>& thresholds) {
  Json json = json_of(scene.points, thresholds);
  if (json.empty()) {
    return json;
  }
  json["self_iou"] = scene.self_iou_mean;
  json["self_iou_max"] = scene.self_iou_max;
  return json;
}

// The mean of every figure over objects of one shape.
Json mean_of_objects(const std::vector<Json>& objects) {
  Json mean = Json::object();
  for (const auto& object : objects) {
    for (const auto& [key, value] : object.items()) {
      mean[key] = mean.value(key, 0.0) + value.get<double>() / static_cast<double>(objects.size());
    }
  }
  return mean;
}

Json json_of(const EmptyComponents& empty) { return {{"count", empty.count}, {"of", empty.of}}; }

EmptyComponents empty_of(const EvaluationResult& result, const std::string& split,
                         EmptyComponents AssetScore::*part) {
  EmptyComponents sum;
  for (const auto& asset : result.assets) {
    if (asset.split == split) {
      sum += asset.*part;
    }
  }
  return sum;
}

Json views_json(const AssetScore& asset) {
  Json views = Json::array();
  for (const auto& view : asset.views) {
    views.push_back(
        {{"index", view.index}, {"azimuth", view.azimuth}, {"elevation", view.elevation}});
  }
  return views;
}

Json conventions_of(const EvaluationResult& result) {
  const auto& metrics = result.metrics;
  Json json = {{"num_points", metrics.num_points},
               {"chamfer", config::name_of(metrics.chamfer)},
               {"frame", evaluation::frame_name(metrics)},
               {"alignment", config::name_of(metrics.alignment)},
               {"renormalise_prediction", metrics.renormalise_prediction},
               {"iou_resolution", metrics.iou_resolution},
               {"seed", result.seed},
               {"view", config::name_of(result.view)}};
  if (result.view == ViewRule::kFixed) {
    json["view_index"] = result.view_index;
  }
  return json;
}

Json summary_of(const EvaluationResult& result, const std::string& split) {
  const auto& thresholds = result.metrics.thresholds;
  const auto mean = [&](const std::function<Json(const AssetScore&)>& part) {
    std::vector<Json> objects;
    for (const auto& asset : result.assets) {
      if (asset.split == split) {
        objects.push_back(part(asset));
      }
    }
    return mean_of_objects(objects);
  };
  const auto count = std::count_if(result.assets.begin(), result.assets.end(),
                                   [&](const AssetScore& asset) { return asset.split == split; });
  return {
      {"num_assets", count},
      {"generated", mean([&](const AssetScore& a) { return json_of(a.generated, thresholds); })},
      {"control", mean([&](const AssetScore& a) { return json_of(a.control, thresholds); })},
      {"other_picture",
       mean([&](const AssetScore& a) { return json_of(a.other_picture, thresholds); })},
      {"vae_reconstruction",
       mean([&](const AssetScore& a) { return json_of(a.reconstruction, thresholds); })},
      {"exact_field",
       mean([&](const AssetScore& a) { return json_of(a.exact_field, thresholds); })},
      {"empty_components",
       {{"generated", json_of(empty_of(result, split, &AssetScore::generated_empty))},
        {"vae_reconstruction", json_of(empty_of(result, split, &AssetScore::reconstruction_empty))},
        {"exact_field", json_of(empty_of(result, split, &AssetScore::exact_field_empty))}}}};
}

Json vae_summary(const EvaluationResult& result, const std::string& split) {
  const auto& thresholds = result.metrics.thresholds;
  std::vector<const ComponentScore*> components;
  for (const auto& component : result.components) {
    if (component.split == split) {
      components.push_back(&component);
    }
  }
  Json json = {{"num_components", components.size()}};
  for (size_t i = 0; i < thresholds.size(); ++i) {
    std::vector<double> scores;
    for (const auto* component : components) {
      scores.push_back(component->reconstruction.f_scores[i]);
    }
    json[key_of(thresholds[i]) + "_median"] = median_of(scores);
    json[key_of(thresholds[i]) + "_mean"] = mean_of(scores);
  }
  std::sort(components.begin(), components.end(), [](const auto* a, const auto* b) {
    return a->reconstruction.f_scores.back() < b->reconstruction.f_scores.back();
  });
  components.resize(std::min(components.size(), kNumWorst));
  json["worst"] = Json::array();
  for (const auto* component : components) {
    Json entry = {{"asset", component->asset}, {"component", component->component}};
    entry.update(json_of(component->reconstruction, thresholds));
    json["worst"].push_back(entry);
  }
  return json;
}

}  // namespace

std::string f_score_name(double threshold) {
  char text[32];
  std::snprintf(text, sizeof(text), "F@%g", threshold);
  return text;
}

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0.0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

double median_of(std::vector<double> values) {
  if (values.empty()) {
    return 0.0;
  }
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

void add(double weight, const evaluation::PointMetrics& more, evaluation::PointMetrics& sum) {
  sum.chamfer += weight * more.chamfer;
  sum.f_scores.resize(more.f_scores.size());
  for (size_t i = 0; i < more.f_scores.size(); ++i) {
    sum.f_scores[i] += weight * more.f_scores[i];
  }
}

void add(double weight, const evaluation::SceneMetrics& more, evaluation::SceneMetrics& sum) {
  add(weight, more.points, sum.points);
  sum.self_iou_mean += weight * more.self_iou_mean;
  sum.self_iou_max += weight * more.self_iou_max;
}

std::string json_of(const EvaluationResult& result) {
  const auto& thresholds = result.metrics.thresholds;
  Json assets = Json::array();
  for (const auto& asset : result.assets) {
    assets.push_back({{"id", asset.id},
                      {"split", asset.split},
                      {"components", asset.num_components},
                      {"views", views_json(asset)},
                      {"generated", json_of(asset.generated, thresholds)},
                      {"control_id", asset.control_id},
                      {"control", json_of(asset.control, thresholds)},
                      {"other_picture", json_of(asset.other_picture, thresholds)},
                      {"vae_reconstruction", json_of(asset.reconstruction, thresholds)},
                      {"exact_field", json_of(asset.exact_field, thresholds)},
                      {"empty_components",
                       {{"generated", json_of(asset.generated_empty)},
                        {"vae_reconstruction", json_of(asset.reconstruction_empty)},
                        {"exact_field", json_of(asset.exact_field_empty)}}}});
  }
  const Json json = {
      {"model", json_of(result.model)},
      {"conventions", conventions_of(result)},
      {"train", summary_of(result, "train")},
      {"test", summary_of(result, "test")},
      {"vae_components",
       {{"train", vae_summary(result, "train")}, {"test", vae_summary(result, "test")}}},
      {"assets", assets}};
  // Names and folders may have any bytes.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string summary_text(const EvaluationResult& result) {
  constexpr std::array<const char*, 3> kParts = {"generated", "vae_reconstruction", "exact_field"};
  std::string text;
  for (const char* split : {"train", "test"}) {
    const Json summary = summary_of(result, split);
    for (const char* part : kParts) {
      const Json& scores = summary.at(part);
      if (!scores.contains("chamfer")) {
        continue;
      }
      char line[160];
      std::snprintf(line, sizeof(line), "%-5s %-18s Chamfer %.4f", split, part,
                    scores.at("chamfer").get<double>());
      text += line;
      for (const double threshold : result.metrics.thresholds) {
        std::snprintf(line, sizeof(line), "  %s %.4f", f_score_name(threshold).c_str(),
                      scores.at(key_of(threshold)).get<double>());
        text += line;
      }
      const Json& empty = summary.at("empty_components").at(part);
      std::snprintf(line, sizeof(line), "  self-IoU %.4f  empty components %lld of %lld\n",
                    scores.at("self_iou").get<double>(), empty.at("count").get<long long>(),
                    empty.at("of").get<long long>());
      text += line;
    }
  }
  return text;
}

}  // namespace moca::experiment
