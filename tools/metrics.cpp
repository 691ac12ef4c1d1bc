#include <cstdio>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/text.h"
#include "moca/evaluation/metric.h"
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
  auto prediction = moca::mesh::read_scene_with_empty(options.prediction);
  const auto reference = moca::mesh::read_scene(options.reference);
  std::printf("prediction       %s\n", moca::evaluation::scene_text(prediction).c_str());
  std::printf("reference        %s\n", moca::evaluation::scene_text(reference).c_str());
  moca::mesh::move_origin(reference.origin, prediction);
  if (const auto doubt = moca::evaluation::frame_doubt(prediction, reference, config);
      !doubt.empty()) {
    moca::log::warn(doubt);
  }
  try {
    const auto scores = moca::evaluation::compare_scenes(prediction, reference, config);
    std::printf("frame            %s\n", moca::evaluation::frame_name(config).c_str());
    for (const auto& score : moca::evaluation::labelled(scores)) {
      const auto value = score.exists ? moca::formatted("%.6f", score.value) : "-";
      std::printf("%-16s %s%s\n", score.label.c_str(), value.c_str(),
                  (score.note.empty() ? "" : "  (" + score.note + ")").c_str());
    }
  } catch (const moca::Error& mistake) {
    throw moca::Error(options.prediction, " against ", options.reference, ": ", mistake.what());
  }
}

}  // namespace

void add_metrics(CLI::App& app) {
  auto [command, options] =
      add_command<MetricsOptions>(app, "metrics", "Score a mesh file against a reference", run);
  command->add_option("prediction", options->prediction, "GLB, glTF, OBJ, PLY or STL")->required();
  command->add_option("reference", options->reference, "GLB, glTF, OBJ, PLY or STL")->required();
  command->add_option("overrides", options->overrides,
                      "key=value, for example alignment=yaw4; see moca settings");
}
