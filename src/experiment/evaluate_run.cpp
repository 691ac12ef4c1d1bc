#include "moca/experiment/evaluate_run.h"

#include <ATen/Parallel.h>

#include <memory>
#include <sstream>
#include <string>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/data/prepared_dataset.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/evaluate_model.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/experiment/models.h"
#include "moca/ops/device.h"

namespace moca::experiment {
namespace {

// The run's averaged weights.
ScoredModel scored_model(const RunConfig& config, const data::PreparedDataset& dataset) {
  const auto device = ops::select_device(config.device);
  ScoredModel model;
  model.reconstruct = [&config, &dataset, device, vae = vae_of(config, device)](int64_t i) mutable {
    return reconstruct(vae, dataset, i, config, device);
  };
  if (config.stage == Stage::kDit) {
    model.generate = [generator = load_generator(config, device)](const auto& requests) mutable {
      return generator.generate(requests);
    };
  }
  return model;
}

}  // namespace

void evaluate_run(const RunConfig& config, const std::filesystem::path& output) {
  if (std::filesystem::exists(output)) {
    throw Error("the folder " + output.string() +
                " exists already and is not overwritten. Remove it or name another with --out.");
  }
  if (config.training.num_threads > 0) {
    at::set_num_threads(static_cast<int>(config.training.num_threads));
  }
  const data::PreparedDataset dataset(config.data.path);
  const auto result = evaluate_model(scored_model(config, dataset), dataset, config, output);
  std::filesystem::create_directories(output);
  write_file(output / "evaluation.json", json_of(result));
  std::istringstream lines(summary_text(result));
  for (std::string line; std::getline(lines, line);) {
    log::info(line);
  }
  log::info("scores in " + (output / "evaluation.json").string());
}

}  // namespace moca::experiment
