#include <string>
#include <vector>

#include "commands.h"
#include "moca/config/schema.h"
#include "moca/core/interrupt.h"
#include "moca/data/prepare.h"
#include "moca/experiment/run_config.h"
#include "moca/experiment/run_paths.h"

namespace {

struct PrepareDataOptions {
  std::string config;
  std::vector<std::string> overrides;
};

void run(const PrepareDataOptions& options) {
  moca::catch_interrupts();
  const auto config = moca::experiment::load_config(options.config, options.overrides);
  // The dataset's own record holds from every working folder.
  const auto made_by = moca::experiment::with_absolute_paths(config).data;
  try {
    moca::data::prepare_dataset(config.data, moca::config::dump(made_by));
  } catch (const moca::Interrupted&) {
    exit_interrupted("interrupted.");
  }
}

}  // namespace

void add_prepare_data(CLI::App& app) {
  auto [command, options] = add_command<PrepareDataOptions>(
      app, "prepare-data",
      "Make the prepared dataset a config names: procedural assets or a mesh folder", run);
  command->add_option("config", options->config, "YAML file with a `data` section")->required();
  command->add_option("overrides", options->overrides, "settings as section.key=value");
}
