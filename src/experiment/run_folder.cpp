#include "moca/experiment/run_folder.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "build_info.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/experiment/same_everywhere.h"

namespace moca::experiment {
namespace {

std::string environment_json(const RunConfig& config) {
  const std::time_t now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  const nlohmann::ordered_json json = {{"started", date},
                                       {"moca", kVersion},
                                       {"git_revision", kGitRevision},
                                       {"libtorch", TORCH_VERSION},
                                       {"compiler", __VERSION__},
                                       {"device", config.device},
                                       {"cpu_threads", at::get_num_threads()}};
  return json.dump(1) + "\n";
}

// Settings that may differ when a run is resumed: where, how long and how often, not what.
void keep_resumable(RunConfig& config, const RunConfig& from) {
  config.name = from.name;
  config.runs_folder = from.runs_folder;
  config.device = from.device;
  config.training.max_minutes = from.training.max_minutes;
  config.training.checkpoint_every = from.training.checkpoint_every;
  config.training.keep_checkpoints = from.training.keep_checkpoints;
  config.training.keep_every = from.training.keep_every;
  config.training.ema_on_cpu = from.training.ema_on_cpu;
  config.training.shard_optimizer = from.training.shard_optimizer;
  config.training.validate_every = from.training.validate_every;
  config.training.validation_assets = from.training.validation_assets;
  config.training.log_every = from.training.log_every;
  config.training.num_threads = from.training.num_threads;
  config.training.loader_threads = from.training.loader_threads;
  config.training.hang_seconds = from.training.hang_seconds;
}

void check_resumed(const RunConfig& config) {
  auto stored = load_run(config.folder());
  keep_resumable(stored, config);
  const auto stored_text = config::dump(stored);
  const auto wanted_text = config::dump(config);
  if (stored_text != wanted_text) {
    throw Error("cannot resume " + config.folder().string() + ": its config differs: " +
                first_difference(stored_text, wanted_text, "there", "here") +
                ". Resume with the settings of its config.yaml, or start a run of another name.");
  }
}

void make_folder(const RunConfig& config) {
  const auto folder = config.folder();
  if (std::filesystem::exists(folder)) {
    throw Error("the run folder " + folder.string() +
                " exists already and is not overwritten. Continue it with --resume, or choose "
                "another name=...");
  }
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    throw Error("cannot create the run folder " + folder.string() + ": " + failure.message() + ".");
  }
  write_file(folder / "config.yaml", config::dump(config));
  write_file(folder / "environment.json", environment_json(config));
}

}  // namespace

void open_run_folder(const RunConfig& config, bool resume, distributed::ProcessGroup& group) {
  distributed::on_first_rank(group, [&] { resume ? check_resumed(config) : make_folder(config); });
  log::write_to(config.folder() / "log.txt");
}

}  // namespace moca::experiment
