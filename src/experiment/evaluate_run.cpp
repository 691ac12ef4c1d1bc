#include "moca/experiment/evaluate_run.h"

#include <algorithm>
#include <array>
#include <string>

#include "evaluate_model.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/core/threads.h"
#include "moca/data/prepared_dataset.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/models.h"
#include "moca/experiment/run_paths.h"
#include "moca/ops/device.h"
#include "model_description.h"
#include "run_inputs.h"

namespace moca::experiment {
namespace {

// The run's averaged weights.
ScoredModel scored_model(const RunConfig& config, const data::PreparedDataset& dataset) {
  const auto device = ops::select_and_log_device(config.device);
  ScoredModel model;
  model.device = device;
  model.reconstruct = [&config, &dataset, vae = vae_of(config, device)](int64_t i) mutable {
    return reconstruct(vae, dataset, i, config.evaluation.seed, config.decoder,
                       config.training.uses_bf16());
  };
  model.extract_exact_field = [&config](const auto& reference) {
    return exact_field_scene(reference, config.data, config.vae_training.truncation,
                             config.decoder);
  };
  if (config.stage == Stage::kDit) {
    model.conditioners = generation::make_conditioners(config.condition);
    model.generate = [generator = load_generator(config, device)](const auto& requests) mutable {
      return generator.generate(requests);
    };
  }
  return model;
}

// What is no evaluation is the user's and stays.
void require_room(const std::filesystem::path& output, bool overwrite) {
  if (!overwrite) {
    require_new(output, "Name another with --out, or replace it with --overwrite.");
  } else if (std::filesystem::exists(output) &&
             !std::filesystem::exists(output / "evaluation.json")) {
    throw Error("the folder ", output,
                " is not overwritten: it holds no evaluation.json. Name another with --out.");
  }
}

// In evaluation.json a split stands beside these keys.
void require_free_names(const data::PreparedDataset& dataset) {
  constexpr std::array kTaken = {"model", "conventions", "scores", "vae_components", "assets"};
  for (const auto& record : dataset.records()) {
    if (std::ranges::find(kTaken, record.split) != kTaken.end()) {
      throw Error("the asset ", record.id, " of the dataset ", dataset.folder(),
                  " is in a split called '", record.split,
                  "', a name that evaluation.json has for something else. Prepare the dataset with "
                  "another name of the split.");
    }
  }
}

// Where an evaluation is until it is whole.
std::filesystem::path beside(const std::filesystem::path& output) {
  const auto folder = absolute_folder(output);
  return folder.parent_path() / (".unfinished_" + folder.filename().string());
}

// Scores of nothing are numbers too: an empty prediction is one point at the origin.
void warn_of_nothing(const EvaluationResult& result) {
  for (const auto& kind : kScenes) {
    EmptyComponents empty;
    for (const auto& asset : result.assets) {
      empty += (asset.*kind.scene).empty;
    }
    if (empty.of > 0 && empty.count == empty.of) {
      log::warn(std::string("no ") + kind.name + " component has a surface: these scores say " +
                "nothing but that. Look at decoder.* and the VAE, or train longer.");
    }
  }
}

}  // namespace

EvaluationResult evaluate_run(const RunConfig& config, const std::filesystem::path& output,
                              const EvaluateOptions& options) {
  require_room(output, options.overwrite);
  require_threads("training.num_threads", config.training.num_threads);
  ops::use_threads(config.training.num_threads);
  const data::PreparedDataset dataset(config.data.path);
  require_free_names(dataset);
  const auto accepted = check_inputs(config, Inputs::kDatasetAndVae, options.accept_changed_data);
  const auto model = scored_model(config, dataset);  // its mistakes cost no earlier evaluation
  // Beside it, so that an evaluation that is ended costs no earlier one.
  const auto unfinished = beside(output);
  std::filesystem::remove_all(unfinished);
  std::filesystem::create_directories(unfinished);
  auto result = evaluate_model(model, dataset, config.evaluation, unfinished);
  result.model = describe_run(config, accepted);
  write_file(unfinished / "evaluation.json", json_of(result));
  std::filesystem::remove_all(output);
  std::filesystem::rename(unfinished, output);
  warn_of_nothing(result);
  return result;
}

}  // namespace moca::experiment
