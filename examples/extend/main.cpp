// moca with a data source, a metric, an adapter, a condition and an optimiser of this program's
// own: prepares a dataset, trains both stages for ten steps and scores the result.
// usage: extend FOLDER_OF_CONFIGS
#include <cstdio>
#include <exception>
#include <filesystem>

#include "extend.h"
#include "moca/config/schema.h"
#include "moca/data/prepare.h"
#include "moca/experiment/evaluate_run.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/experiment/run_config.h"
#include "moca/experiment/train_run.h"

namespace experiment = moca::experiment;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: extend FOLDER_OF_CONFIGS\n");
    return 2;
  }
  register_stairs();
  register_volume();
  register_mixture();
  register_sizes();
  register_momentum();
  const std::filesystem::path configs = argv[1];
  try {
    const auto data = experiment::load_config(configs / "vae.yaml", {}).data;
    moca::data::prepare_dataset(data, moca::config::dump(data));
    for (const char* name : {"vae.yaml", "dit.yaml"}) {
      experiment::train_run(experiment::load_config(configs / name, {}, /*to_train=*/true));
    }
    const auto config = experiment::load_run("runs/dit");
    const auto result = experiment::evaluate_run(config, config.folder() / "evaluation");
    for (const auto& line : experiment::summary_lines(result)) {
      std::printf("%s\n", line.c_str());
    }
  } catch (const std::exception& mistake) {
    std::fprintf(stderr, "extend: %s\n", mistake.what());
    return 2;
  }
  return 0;
}
