#include "evaluate_model.h"

#include <algorithm>

#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/core/progress.h"
#include "moca/core/text.h"
#include "moca/evaluation/metric.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/image/image_io.h"

namespace moca::experiment {
namespace {

using evaluation::Scored;

// Points per component and side when the VAE is scored component by component.
constexpr int64_t kComponentPoints = 20000;

// One image to generate from.
struct Job {
  int64_t asset = 0;
  int64_t nth_view = 0;  // among the asset's views that are used
};

// `views`: those it is generated from.
AssetScore unscored(const data::AssetRecord& record, const std::vector<int64_t>& views) {
  const auto used = mapped(views, [&](int64_t view) {
    return UsedView{view, record.views[view].azimuth, record.views[view].elevation};
  });
  return {record.id, record.split, record.num_components(), used};
}

class Evaluation {
 public:
  Evaluation(const ScoredModel& model, const data::PreparedDataset& dataset,
             const EvaluationConfig& config, const std::filesystem::path& output)
      : model_(model), dataset_(dataset), config_(config), output_(output) {
    result_.config = config;
    for (const auto& record : dataset.records()) {
      references_.push_back(dataset.reference(std::ssize(references_)));
      result_.assets.push_back(
          unscored(record, model.generate ? views_of(config, record) : std::vector<int64_t>()));
    }
  }

  void reconstruct_all() {
    Progress progress("reconstruct", count(), "asset");
    for (int64_t i = 0; i < count(); ++i) {
      name_in_errors("reconstructing ", {{i}}, [&] {
        reconstruct(i);
        const auto exact = model_.extract_exact_field(references_[i]);
        result_.assets[i].exact_field = {compared(exact, i), empty_in(exact)};
      });
      progress.update(i + 1);
    }
  }

  void generate_all() {
    std::vector<Job> jobs;
    for (int64_t i = 0; i < count(); ++i) {
      for (size_t nth = 0; nth < result_.assets[i].views.size(); ++nth) {
        jobs.push_back({i, static_cast<int64_t>(nth)});
      }
    }
    Progress progress("generate", std::ssize(jobs), "image");
    for (size_t first = 0; first < jobs.size();) {
      const size_t last = std::min(first + static_cast<size_t>(config_.batch_size), jobs.size());
      generate_batch({jobs.begin() + static_cast<std::ptrdiff_t>(first),
                      jobs.begin() + static_cast<std::ptrdiff_t>(last)});
      first = last;
      progress.update(static_cast<int64_t>(last));
    }
  }

  const EvaluationResult& result() const { return result_; }

 private:
  int64_t count() const { return std::ssize(result_.assets); }

  // The asset whose reference and image serve as asset i's control: the next one of its split, of
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

  // An image of `shown` with the seed of `seeded`.
  generation::Request request(int64_t shown, int64_t nth_view, int64_t seeded) const {
    const auto& views = result_.assets[shown].views;
    const int64_t view = views[nth_view % static_cast<int64_t>(views.size())].index;
    return request_of(dataset_, shown, view, generation_seed(config_, dataset_.records()[seeded]),
                      model_.conditioners);
  }

  void generate_batch(const std::vector<Job>& jobs) {
    std::vector<generation::Request> requests, other_requests;
    for (const auto& [asset, nth_view] : jobs) {
      requests.push_back(request(asset, nth_view, asset));
      other_requests.push_back(request(other_asset(asset), nth_view, asset));
    }
    std::vector<mesh::Scene> scenes, other_scenes;
    name_in_errors("generating ", jobs, [&] {
      scenes = model_.generate(requests);
      other_scenes = model_.generate(other_requests);
    });
    for (size_t i = 0; i < jobs.size(); ++i) {
      score_generated(jobs[i], scenes[i], other_scenes[i]);
      const auto folder = folder_of(jobs[i]);
      write_asset(folder, scenes[i]);
      write_png(folder / "image.png", requests[i].image);
    }
  }

  // What is refused of assets says which they are.
  template <class Work>
  void name_in_errors(const char* what, const std::vector<Job>& jobs, const Work& work) const {
    try {
      work();
    } catch (const Error& mistake) {
      const auto ids =
          joined(jobs, ", ", [&](const Job& job) { return result_.assets[job.asset].id; });
      throw Error(what, ids, " of the dataset ", dataset_.folder(), ": ", mistake.what());
    }
  }

  void score_generated(const Job& job, const mesh::Scene& scene, const mesh::Scene& other_scene) {
    auto& score = result_.assets[job.asset];
    const int64_t other = other_asset(job.asset);
    add_view(job, compared(scene, job.asset), score.generated);
    score.generated.empty += empty_in(scene);
    if (other != job.asset) {
      score.control_id = result_.assets[other].id;
      add_view(job, compared(scene, other, Scored::kAgainstReference), score.control);
      add_view(job, compared(other_scene, other, Scored::kAgainstReference), score.other_image);
    }
  }

  void add_view(const Job& job, const evaluation::Scores& scores, ScoredScene& scored) const {
    const auto num_views = static_cast<double>(result_.assets[job.asset].views.size());
    evaluation::add_share(scores, num_views, scored.scores);
  }

  evaluation::Scores compared(const mesh::Scene& scene, int64_t reference,
                              Scored scored = Scored::kAll) const {
    return evaluation::compare_scenes(scene, references_[reference], config_.metrics, scored,
                                      model_.device);
  }

  // The asset's own folder for its first view, one inside it for each further view.
  std::filesystem::path folder_of(const Job& job) const {
    const auto& asset = result_.assets[job.asset];
    const auto view = static_cast<int>(asset.views[job.nth_view].index);
    const auto folder = output_ / asset.id;
    return job.nth_view == 0 ? folder : folder / formatted("view_%02d", view);
  }

  void reconstruct(int64_t i) {
    const auto scene = model_.reconstruct(i);
    auto& score = result_.assets[i];
    score.reconstruction = {compared(scene, i), empty_in(scene)};
    auto metrics = config_.metrics;
    metrics.num_points = std::min(kComponentPoints, metrics.num_points);
    const auto frames = evaluation::comparison_frames(scene, references_[i], metrics);
    for (size_t component = 0; component < scene.components.size(); ++component) {
      const auto alone = [&](const mesh::Scene& from) {
        return mesh::Scene{{from.components[component]}};
      };
      result_.components.push_back(
          {score.id, references_[i].components[component].name, score.split,
           evaluation::scores_of(evaluation::comparison_of(alone(scene), alone(references_[i]),
                                                           frames, metrics, model_.device),
                                 Scored::kAgainstReference)});
    }
  }

  const ScoredModel& model_;
  const data::PreparedDataset& dataset_;
  const EvaluationConfig& config_;
  const std::filesystem::path& output_;
  std::vector<mesh::Scene> references_;
  EvaluationResult result_;
};

}  // namespace

EvaluationResult evaluate_model(const ScoredModel& model, const data::PreparedDataset& dataset,
                                const EvaluationConfig& config,
                                const std::filesystem::path& output) {
  Evaluation evaluation(model, dataset, config, output);
  evaluation.reconstruct_all();
  if (model.generate) {
    evaluation.generate_all();
  }
  return evaluation.result();
}

}  // namespace moca::experiment
