#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/evaluation/geometry_metrics.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"

namespace {

using moca::mesh::Scene;

struct MetricsOptions {
  std::string prediction;
  std::string reference;
  std::vector<std::string> overrides;
};

void print_box(const char* name, const Scene& scene) {
  const auto& components = scene.components;
  const auto empty = std::count_if(components.begin(), components.end(),
                                   [](const auto& component) { return component.mesh.empty(); });
  std::printf("%-16s %s, components %zu, without surface %td\n", name,
              moca::evaluation::box_text(scene).c_str(), components.size(), empty);
}

void print_scores(const moca::evaluation::SceneMetrics& scores,
                  const moca::evaluation::MetricConfig& config, size_t num_components) {
  std::printf("%-16s %s\n", "frame", moca::evaluation::frame_name(config).c_str());
  std::printf("%-16s %.6f  (%s, %lld points, alignment %s)\n", "Chamfer", scores.points.chamfer,
              moca::config::name_of(config.chamfer), static_cast<long long>(config.num_points),
              moca::config::name_of(config.alignment));
  for (size_t i = 0; i < config.thresholds.size(); ++i) {
    std::printf("%-16s %.6f\n", moca::experiment::f_score_name(config.thresholds[i]).c_str(),
                scores.points.f_scores[i]);
  }
  if (num_components < 2) {
    std::printf("%-16s -  (one component overlaps with no other)\n", "self-IoU");
    return;
  }
  std::printf("%-16s %.6f  (mean over pairs of %zu components, %lld^3 voxels)\n", "self-IoU",
              scores.self_iou_mean, num_components, static_cast<long long>(config.iou_resolution));
}

void run(const MetricsOptions& options) {
  const auto config =
      moca::config::parse<moca::evaluation::MetricConfig>("{}", "metrics", options.overrides);
  auto prediction = moca::mesh::read_scene_with_empty(options.prediction);
  const auto reference = moca::mesh::read_scene(options.reference);
  print_box("prediction", prediction);
  print_box("reference", reference);
  moca::mesh::move_origin(reference.origin, prediction);
  if (const auto doubt = moca::evaluation::frame_doubt(prediction, reference, config);
      !doubt.empty()) {
    moca::log::warn(doubt);
  }
  try {
    print_scores(moca::evaluation::compare_scenes(prediction, reference, config), config,
                 prediction.components.size());
  } catch (const moca::Error& mistake) {
    throw moca::Error(options.prediction + " against " + options.reference + ": " + mistake.what());
  }
}

}  // namespace

void add_metrics(CLI::App& app) {
  auto options = std::make_shared<MetricsOptions>();
  auto* command = app.add_subcommand(
      "metrics", "Chamfer distance, F-score and self-IoU of a mesh file against a reference");
  command->add_option("prediction", options->prediction, "GLB, glTF, OBJ, PLY or STL")->required();
  command->add_option("reference", options->reference, "GLB, glTF, OBJ, PLY or STL")->required();
  command->add_option("overrides", options->overrides,
                      "key=value, for example alignment=yaw4; see moca settings");
  command->callback([options] { run(*options); });
}
