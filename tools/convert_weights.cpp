#include <string>
#include <vector>

#include "commands.h"
#include "moca/experiment/convert_run.h"
#include "moca/experiment/run_config.h"

namespace {

struct ConvertOptions {
  std::string run;
  std::string out;
  std::vector<std::string> overrides;
  bool accept_changed_data = false;
};

void run(const ConvertOptions& options) {
  moca::experiment::convert_run(moca::experiment::load_run(options.run, options.overrides),
                                options.out, options.accept_changed_data);
}

}  // namespace

void add_convert_weights(CLI::App& app) {
  auto [command, options] = add_command<ConvertOptions>(
      app, "convert-weights",
      "Write a run's weights as a folder that diffusers-style Python code loads", run);
  command->add_option("run", options->run, "folder of a run")->required();
  command->add_option("out", options->out, "folder to make")->required();
  command->add_option("overrides", options->overrides, "settings as section.key=value");
  command->add_flag("--accept-changed-data", options->accept_changed_data,
                    "export another VAE than the run was trained on");
}
