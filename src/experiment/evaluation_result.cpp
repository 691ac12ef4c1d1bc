#include "moca/experiment/evaluation_result.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

#include "moca/config/binding.h"
#include "moca/core/mapped.h"
#include "moca/core/text.h"
#include "moca/evaluation/comparison.h"
#include "model_description.h"

namespace moca::experiment {
namespace {

using Json = nlohmann::ordered_json;
using evaluation::Scores;

constexpr size_t kNumWorst = 10;

Json json_of(const Scores& scores) {
  Json json = Json::object();
  for (const auto& score : scores) {
    json[score.name] = score.value;
  }
  return json;
}

int64_t num_assets_of(const EvaluationResult& result, const std::string& split) {
  return std::ranges::count(result.assets, split, &AssetScore::split);
}

Json value_of(const config::Variable& variable) {
  return std::visit(
      [](const auto& bound) -> Json {
        if constexpr (requires { bound.names; }) {
          return bound.names.at(bound.get());
        } else {
          return *bound;
        }
      },
      variable);
}

// Every setting of the metrics by its name, and the frame that they make.
Json conventions_of(const EvaluationResult& result) {
  auto metrics = result.config.metrics;
  Json json = Json::object();
  for (const auto& setting : config::bind(metrics).settings) {
    const bool is_seed = setting.path == "seed";  // of the points; the evaluation's own follows
    json[is_seed ? "points_seed" : setting.path] = value_of(setting.variable);
  }
  json["frame"] = evaluation::frame_name(metrics);
  json["seed"] = result.config.seed;
  json["view"] = config::name_of(result.config.view);
  if (result.config.view == ViewRule::kFixed) {
    json["view_index"] = result.config.view_index;
  }
  return json;
}

// For tables. Every metric scores the reconstructions, whatever the run's stage.
Json shown_scores(const EvaluationResult& result) {
  if (result.assets.empty()) {
    return Json::array();
  }
  const auto& scores = result.assets.front().reconstruction.scores;
  return mapped(evaluation::labelled(scores), [](const evaluation::Score& score) -> Json {
    return {
        {"name", score.name}, {"label", score.label}, {"better", config::name_of(score.better)}};
  });
}

// The assets of a split as one: mean scores, all components.
AssetScore summary_of(const EvaluationResult& result, const std::string& split) {
  AssetScore summary;
  const auto count = static_cast<double>(num_assets_of(result, split));
  for (const auto& asset : result.assets) {
    if (asset.split == split) {
      for (const auto& [name, title, scene, is_control] : kScenes) {
        evaluation::add_share((asset.*scene).scores, count, (summary.*scene).scores);
        (summary.*scene).empty += (asset.*scene).empty;
      }
    }
  }
  return summary;
}

void add_scenes(const AssetScore& asset, Json& json) {
  Json empty;
  for (const auto& [name, title, scene, is_control] : kScenes) {
    json[name] = json_of((asset.*scene).scores);
    if (!is_control) {
      empty[name] = {{"count", (asset.*scene).empty.count}, {"of", (asset.*scene).empty.of}};
    }
  }
  json["empty_components"] = empty;
}

Json split_json(const EvaluationResult& result, const std::string& split) {
  Json json = {{"num_assets", num_assets_of(result, split)}};
  add_scenes(summary_of(result, split), json);
  return json;
}

Json asset_json(const AssetScore& asset) {
  const auto view_json = [](const UsedView& view) -> Json {
    return {{"index", view.index}, {"azimuth", view.azimuth}, {"elevation", view.elevation}};
  };
  Json json = {{"id", asset.id},
               {"split", asset.split},
               {"components", asset.num_components},
               {"views", mapped(asset.views, view_json)},
               {"control_id", asset.control_id}};
  add_scenes(asset, json);
  return json;
}

Json vae_json(const EvaluationResult& result, const std::string& split) {
  auto components = result.components;
  std::erase_if(components, [&](const ComponentScore& of) { return of.split != split; });
  Json json = {{"num_components", components.size()}};
  const size_t num_scores = result.components.empty() ? 0 : result.components[0].scores.size();
  for (size_t i = 0; i < num_scores; ++i) {
    const auto value = [&](const ComponentScore& of) { return of.scores[i].value; };
    const auto values = mapped(components, value);
    const auto& name = result.components[0].scores[i].name;
    json[name + "_median"] = evaluation::median_of(values);
    json[name + "_mean"] = evaluation::mean_of(values);
  }
  // By the first of all scores, whatever metrics were added behind it.
  std::ranges::sort(components, [](const auto& a, const auto& b) {
    return evaluation::is_worse(a.scores.front(), b.scores.front());
  });
  components.resize(std::min(components.size(), kNumWorst));
  if (!components.empty()) {
    json["worst_by"] = components[0].scores.front().name;
  }
  json["worst"] = Json::array();
  for (const auto& component : components) {
    Json entry = {{"asset", component.asset}, {"component", component.component}};
    entry.update(json_of(component.scores));
    json["worst"].push_back(entry);
  }
  return json;
}

// "train" and "test", which are always told, and what other splits the dataset has.
std::vector<std::string> splits_of(const EvaluationResult& result) {
  std::vector<std::string> splits = {"train", "test"};
  for (const auto& asset : result.assets) {
    if (std::ranges::find(splits, asset.split) == splits.end()) {
      splits.push_back(asset.split);
    }
  }
  return splits;
}

}  // namespace

EmptyComponents empty_in(const mesh::Scene& scene) {
  const auto& components = scene.components;
  return {std::ranges::count_if(components, &mesh::TriangleMesh::empty, &mesh::Component::mesh),
          std::ssize(components)};
}

std::string json_of(const EvaluationResult& result) {
  Json json = {{"model", json_of(result.model)},
               {"conventions", conventions_of(result)},
               {"scores", shown_scores(result)}};
  Json components;
  for (const auto& split : splits_of(result)) {
    json[split] = split_json(result, split);
    components[split] = vae_json(result, split);
  }
  json["vae_components"] = components;
  json["assets"] = mapped(result.assets, asset_json);
  // Names and folders may have any bytes.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<std::string> summary_lines(const EvaluationResult& result) {
  std::vector<std::string> lines;
  for (const auto& split : splits_of(result)) {
    const auto summary = summary_of(result, split);
    for (const auto& [name, title, scene, is_control] : kScenes) {
      const auto& [scores, empty] = summary.*scene;
      if (!is_control && !scores.empty()) {
        lines.push_back(formatted("%-5s %-18s ", split.c_str(), name) +
                        evaluation::text_of(scores) + "  empty components " +
                        std::to_string(empty.count) + " of " + std::to_string(empty.of));
      }
    }
  }
  return lines;
}

}  // namespace moca::experiment
