#include <filesystem>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/core/logging.h"
#include "moca/experiment/evaluate_run.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/experiment/run_config.h"

namespace {

struct EvaluateOptions {
  std::string run;
  std::vector<std::string> overrides;
  std::string out;
  moca::experiment::EvaluateOptions how;
};

void run(const EvaluateOptions& options) {
  const std::filesystem::path folder = options.run;
  const auto config = moca::experiment::load_run(folder, options.overrides);
  const auto output =
      options.out.empty() ? folder / "evaluation" : std::filesystem::path(options.out);
  const auto result = moca::experiment::evaluate_run(config, output, options.how);
  for (const auto& line : moca::experiment::summary_lines(result)) {
    moca::log::info(line);
  }
  moca::log::info("scores in " + (output / "evaluation.json").string());
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto [command, options] = add_command<EvaluateOptions>(
      app, "evaluate", "Generate every asset of a run's dataset from its image and score it", run);
  command->add_option("run", options->run, "folder of the run")->required();
  command->add_option("overrides", options->overrides, "settings as section.key=value");
  command->add_option("--out", options->out,
                      "folder for scores and meshes; default RUN/evaluation");
  command->add_flag("--overwrite", options->how.overwrite,
                    "replace an earlier evaluation in that folder");
  command->add_flag("--accept-changed-data", options->how.accept_changed_data,
                    "evaluate on another dataset or VAE than the run was trained on; "
                    "evaluation.json says so");
}
