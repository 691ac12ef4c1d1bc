#include "moca/experiment/evaluate_run.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/core/progress.h"
#include "moca/core/random.h"
#include "moca/data/prepared_dataset.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/experiment/models.h"
#include "moca/image/image_io.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/surface_sampling.h"
#include "moca/ops/device.h"

namespace moca::experiment {
namespace {

// Points per component and side when the VAE is scored component by component.
constexpr int64_t kComponentPoints = 20000;

class Evaluation {
 public:
  Evaluation(const RunConfig& config, std::filesystem::path output)
      : config_(config),
        output_(std::move(output)),
        device_(ops::select_device(config.device)),
        dataset_(config.data.path),
        vae_(vae_of(config, device_)) {
    result_.metrics = config.evaluation.metrics;
    const auto num_assets = static_cast<int64_t>(dataset_.records().size());
    for (int64_t i = 0; i < num_assets; ++i) {
      references_.push_back(dataset_.reference(i));
      const auto& record = dataset_.records()[i];
      AssetScore score;
      score.id = record.id;
      score.split = record.split;
      score.num_components = record.num_components();
      result_.assets.push_back(score);
    }
  }

  void reconstruct_all() {
    Progress progress("reconstruct", count(), "asset");
    for (int64_t i = 0; i < count(); ++i) {
      reconstruct(i);
      progress.update(i + 1);
    }
  }

  void generate_all() {
    auto generator = load_generator(config_, device_);
    Progress progress("generate", count(), "asset");
    for (int64_t first = 0; first < count(); first += config_.evaluation.batch_size) {
      const int64_t last = std::min(first + config_.evaluation.batch_size, count());
      generate_batch(generator, first, last);
      progress.update(last);
    }
  }

  const EvaluationResult& result() const { return result_; }

 private:
  int64_t count() const { return static_cast<int64_t>(result_.assets.size()); }

  // The asset whose reference and picture serve as asset i's control: the next one of its split, of
  // any split where i is alone in its own, i itself only where there is no other.
  int64_t other_asset(int64_t i) const {
    for (int64_t step = 1; step < count(); ++step) {
      const int64_t other = (i + step) % count();
      if (result_.assets[other].split == result_.assets[i].split) {
        return other;
      }
    }
    return (i + 1) % count();
  }

  // The picture of `pictured` with the seed of `seeded`.
  generation::Request request(int64_t pictured, int64_t seeded) const {
    return request_of(dataset_, pictured, stream_seed(config_.evaluation.seed, "generate", seeded));
  }

  void generate_batch(generation::ComponentGenerator& generator, int64_t first, int64_t last) {
    std::vector<generation::Request> requests, other_requests;
    for (int64_t i = first; i < last; ++i) {
      requests.push_back(request(i, i));
      other_requests.push_back(request(other_asset(i), i));
    }
    const auto latents = generator.generate_latents(requests);
    const auto other_latents = generator.generate_latents(other_requests);
    for (int64_t i = first; i < last; ++i) {
      auto& score = result_.assets[i];
      const int64_t other = other_asset(i);
      const auto scene = generator.decode(latents[i - first]);
      score.generated = evaluation::compare_scenes(scene, references_[i], result_.metrics);
      if (other != i) {
        score.control_id = result_.assets[other].id;
        score.control = points_of(scene, other);
        score.other_picture = points_of(generator.decode(other_latents[i - first]), other);
      }
      write_asset(output_ / score.id, scene);
      write_png(output_ / score.id / "picture.png", requests[i - first].picture);
    }
  }

  evaluation::PointMetrics points_of(const mesh::Scene& scene, int64_t reference) const {
    return evaluation::compare_scenes(scene, references_[reference], result_.metrics).points;
  }

  void reconstruct(int64_t i) {
    const auto scene = experiment::reconstruct(vae_, dataset_, i, config_, device_);
    auto& score = result_.assets[i];
    score.reconstruction = evaluation::compare_scenes(scene, references_[i], result_.metrics);
    auto component_metrics = result_.metrics;
    component_metrics.num_points = std::min(kComponentPoints, component_metrics.num_points);
    for (size_t component = 0; component < scene.components.size(); ++component) {
      const auto alone = [&](const mesh::Scene& from) {
        return mesh::Scene{{from.components[component]}};
      };
      result_.components.push_back(
          {score.id, references_[i].components[component].name, score.split,
           evaluation::compare_scenes(alone(scene), alone(references_[i]), component_metrics)
               .points});
    }
  }

  RunConfig config_;
  std::filesystem::path output_;
  c10::Device device_;
  data::PreparedDataset dataset_;
  vae::VecsetVae vae_;
  std::vector<mesh::Scene> references_;
  EvaluationResult result_;
};

}  // namespace

void write_asset(const std::filesystem::path& folder, const mesh::Scene& scene) {
  std::filesystem::create_directories(folder);
  mesh::write_glb(folder / "asset.glb", scene);
  for (const auto& component : scene.components) {
    if (component.mesh.empty()) {
      log::warn(folder.string() + ": " + component.name + " has no surface and is not written");
      continue;
    }
    for (const char* extension : {".glb", ".ply", ".obj"}) {
      mesh::write_mesh(folder / (component.name + extension), component.mesh);
    }
  }
}

void evaluate_run(const RunConfig& config, const std::filesystem::path& output) {
  if (std::filesystem::exists(output)) {
    throw Error("the folder " + output.string() +
                " exists already and is not overwritten. Remove it or name another with --out.");
  }
  if (config.training.num_threads > 0) {
    at::set_num_threads(static_cast<int>(config.training.num_threads));
  }
  Evaluation evaluation(config, output);
  evaluation.reconstruct_all();
  if (config.stage == Stage::kDit) {
    evaluation.generate_all();
  }
  std::filesystem::create_directories(output);
  write_file(output / "evaluation.json", json_of(evaluation.result()));
  log::info("scores in " + (output / "evaluation.json").string());
}

}  // namespace moca::experiment
