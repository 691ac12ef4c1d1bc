#include <cstdio>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/core/interrupt.h"
#include "moca/distributed/launch.h"
#include "moca/experiment/run_config.h"
#include "moca/experiment/train_run.h"

namespace {

struct TrainOptions {
  std::string config;
  std::vector<std::string> overrides;
  moca::experiment::Resume resume;
  bool dry_run = false;
};

void run(const TrainOptions& options) {
  moca::catch_interrupts();
  const auto config =
      moca::experiment::load_config(options.config, options.overrides, /*to_train=*/true);
  if (options.dry_run) {
    std::printf("%s\n", moca::experiment::dry_run(config).c_str());
    return;
  }
  const auto launch = moca::distributed::read_launch();
  try {
    const auto reason = moca::experiment::train_run(config, options.resume, launch);
    if (reason == moca::training::StopReason::kInterrupted) {
      exit_interrupted("interrupted; a checkpoint was written. Continue with --resume.");
    }
  } catch (const moca::Interrupted&) {
    exit_interrupted("interrupted before the first step; nothing was written.");
  }
}

}  // namespace

void add_train(CLI::App& app) {
  auto [command, options] = add_command<TrainOptions>(
      app, "train", "Train the VAE or the DiT, as the config's stage says", run);
  command->add_option("config", options->config, "YAML file of the run")->required();
  command->add_option("overrides", options->overrides, "settings as section.key=value");
  command->add_flag("--resume", options->resume.asked,
                    "continue from the newest checkpoint of the run");
  command->add_flag("--accept-changed-data", options->resume.accept_changed_data,
                    "continue although the dataset or the VAE is another than until now");
  command->add_flag(
      "--dry-run", options->dry_run,
      "check config and data, compute a few steps, say what memory and time they take");
}
