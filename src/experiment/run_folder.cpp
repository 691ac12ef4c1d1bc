#include "moca/experiment/run_folder.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "build_info.h"
#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/experiment/run_inputs.h"
#include "moca/experiment/run_paths.h"

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

// Settings that a resumed run may be given anew: how it learns and how long. They are written to
// its config.yaml.
constexpr std::array kChangeable = {
    "training.max_steps", "training.optimizer.learning_rate", "training.optimizer.schedule",
    "training.optimizer.warmup_steps", "training.optimizer.max_gradient_norm"};

// Another dataset or VAE, once accepted, brings its own settings along.
bool is_of_inputs(const std::string& path) {
  return path.starts_with("data.") || path == "vae_run" || path == "pretrained.vae";
}

bool changeable(const std::string& path, bool accept_changed_data) {
  return std::find(kChangeable.begin(), kChangeable.end(), path) != kChangeable.end() ||
         (accept_changed_data && is_of_inputs(path));
}

std::string text_of(const std::vector<config::Difference>& differences) {
  std::string text;
  for (const auto& [path, before, now] : differences) {
    text += (text.empty() ? "" : ", ") + path + "=" + now + " (before: " + before + ")";
  }
  return text;
}

std::string changeable_settings() {
  std::string text;
  for (const char* path : kChangeable) {
    text += std::string(text.empty() ? "" : ", ") + path;
  }
  return text;
}

// A run does not go back.
void require_steps_left(const RunConfig& config) {
  const auto steps = checkpoint::steps_in(config.folder() / "checkpoints");
  if (!steps.empty() && steps.back() > config.training.max_steps) {
    throw Error("training.max_steps (" + std::to_string(config.training.max_steps) +
                ") must be at least " + std::to_string(steps.back()) + ", the step that " +
                config.folder().string() + " has reached. Give it with --resume, as it was " +
                "given last: its config.yaml has it.");
  }
}

// Refuses to resume with settings that make another run of it; takes over those that may change and
// says which did.
std::string take_over(const RunConfig& config, bool accept_changed_data) {
  auto stored = load_run(config.folder());
  keep_resumable(stored, config);
  std::vector<config::Difference> changed, refused;
  for (const auto& difference :
       config::differences(with_absolute_paths(stored), with_absolute_paths(config))) {
    (changeable(difference.path, accept_changed_data) ? changed : refused).push_back(difference);
  }
  if (!refused.empty()) {
    throw Error("cannot resume " + config.folder().string() + " with " + text_of(refused) +
                ": that would be another run. Resume with the settings of its config.yaml (" +
                changeable_settings() +
                ", intervals, threads and places may change; data.* and the VAE with "
                "--accept-changed-data), or start a run of another name.");
  }
  require_steps_left(config);
  take_over_inputs(config, accept_changed_data);
  if (!changed.empty()) {
    write_file(config.folder() / "config.yaml", config::dump(with_absolute_paths(config)));
  }
  return text_of(changed);
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
  write_file(folder / "config.yaml", config::dump(with_absolute_paths(config)));
  write_file(folder / "environment.json", environment_json(config));
  record_inputs(config);
}

}  // namespace

log::File open_run_folder(const RunConfig& config, const Resume& resume,
                          distributed::ProcessGroup& group) {
  std::string changed;
  distributed::on_first_rank(group, [&] {
    if (resume.asked) {
      changed = take_over(config, resume.accept_changed_data);
    } else {
      make_folder(config);
    }
  });
  log::File log_file(config.folder() / "log.txt");
  if (!changed.empty()) {
    log::warn("resumed with " + changed + "; config.yaml says so from now on");
  }
  return log_file;
}

}  // namespace moca::experiment
