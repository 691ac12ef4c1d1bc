#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/config/schema.h"
#include "moca/core/logging.h"
#include "moca/evaluation/geometry_metrics.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"

namespace {

struct MetricsOptions {
  std::string prediction;
  std::string reference;
  std::vector<std::string> overrides;
};

void run(const MetricsOptions& options) {
  const auto config =
      moca::config::parse<moca::evaluation::MetricConfig>("{}", "metrics", options.overrides);
  auto prediction = moca::mesh::read_scene(options.prediction);
  const auto reference = moca::mesh::read_scene(options.reference);
  moca::mesh::move_origin(reference.origin, prediction);
  const auto scores = moca::evaluation::compare_scenes(prediction, reference, config);
  std::printf("%-16s %.6f  (%s, %lld points, alignment %s)\n", "Chamfer", scores.points.chamfer,
              moca::config::name_of(config.chamfer), static_cast<long long>(config.num_points),
              moca::config::name_of(config.alignment));
  const auto frames = moca::evaluation::comparison_frames(prediction, reference, config);
  if (const auto doubt = moca::evaluation::frame_doubt(prediction, reference, frames);
      !doubt.empty()) {
    moca::log::warn(doubt);
  }
  std::printf("%-16s %s\n", "frame", moca::evaluation::frame_name(config).c_str());
  for (size_t i = 0; i < config.thresholds.size(); ++i) {
    std::printf("%-16s %.6f\n", moca::experiment::f_score_name(config.thresholds[i]).c_str(),
                scores.points.f_scores[i]);
  }
  std::printf("%-16s %.6f  (mean over pairs of %zu components, %lld^3 voxels)\n", "self-IoU",
              scores.self_iou_mean, prediction.components.size(),
              static_cast<long long>(config.iou_resolution));
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
