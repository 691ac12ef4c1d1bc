#include "run_folder.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "build_info.h"
#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/text.h"
#include "moca/experiment/run_paths.h"
#include "run_inputs.h"

namespace moca::experiment {
namespace {

std::string environment_json(const ops::DeviceChoice& device) {
  const std::time_t now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  const nlohmann::ordered_json json = {{"started", date},
                                       {"moca", kVersion},
                                       {"git_revision", kGitRevision},
                                       {"libtorch", TORCH_VERSION},
                                       {"compiler", __VERSION__},
                                       {"device", device.device.str()},
                                       {"device_line", device.text},
                                       {"cpu_threads", at::get_num_threads()}};
  return json.dump(1) + "\n";
}

std::string text_of(const std::vector<config::Difference>& differences) {
  return joined(differences, ", ", [](const config::Difference& of) {
    return of.path + "=" + of.b + " (before: " + of.a + ")";
  });
}

// A run does not go back.
void require_steps_left(const std::filesystem::path& run_folder, int64_t max_steps) {
  const auto steps = checkpoint::steps_in(run_folder / "checkpoints");
  if (!steps.empty() && steps.back() > max_steps) {
    throw Error(
        "training.max_steps (", max_steps, ") must be at least ", steps.back(), ", the step that ",
        run_folder,
        " has reached. Give it with --resume, as it was given last: its config.yaml has it.");
  }
}

// Refuses to resume with settings that make another run of it; takes over those that may change and
// says which did.
std::string take_over(const RunConfig& config, bool accept_changed_data) {
  std::vector<config::Difference> changed, refused;
  for (const auto& difference : config::differences(with_absolute_paths(load_run(config.folder())),
                                                    with_absolute_paths(config))) {
    const bool is_accepted =
        difference.may_change == config::MayChange::kYes ||
        (difference.may_change == config::MayChange::kWithInputs && accept_changed_data);
    (is_accepted ? changed : refused).push_back(difference);
  }
  if (!refused.empty()) {
    throw Error("cannot resume ", config.folder(), " with ", text_of(refused),
                ": that would be another run. Resume with the settings of its config.yaml ('moca "
                "settings' says which may change, such as training.optimizer.learning_rate; data.* "
                "and the VAE with --accept-changed-data), or start a run of another name.");
  }
  require_steps_left(config.folder(), config.training.max_steps);
  take_over_inputs(config, accept_changed_data);
  if (!changed.empty()) {
    write_file(config.folder() / "config.yaml", config::dump(with_absolute_paths(config)));
  }
  return text_of(changed);
}

void make_folder(const RunConfig& config, const ops::DeviceChoice& device) {
  const auto folder = config.folder();
  if (std::filesystem::exists(folder)) {
    throw Error("the run folder ", folder,
                " exists already and is not overwritten. Continue it with --resume, or choose "
                "another name=...");
  }
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    throw Error("cannot create the run folder ", folder, ": ", failure.message(), ".");
  }
  write_file(folder / "config.yaml", config::dump(with_absolute_paths(config)));
  write_file(folder / "environment.json", environment_json(device));
  record_inputs(config);
}

// What must be equal, one thing a line, the settings last.
std::string description(const RunConfig& config) {
  const auto index = std::filesystem::path(config.data.path) / "index.json";
  const auto dataset =
      std::filesystem::exists(index) ? std::to_string(sum_of_file(index).crc32c) : "missing";
  std::string text = std::string("program: moca ") + kVersion + " " + kGitRevision +
                     "\nchecksum of " + index.string() + ": " + dataset + "\n";
  for (const auto& setting : config::describe(config)) {
    text += setting.path + ": " + setting.default_value + "\n";
  }
  return text;
}

// The first line in which two descriptions differ.
std::string first_difference(const std::string& first, const std::string& other,
                             const std::string& rank) {
  std::istringstream lines(first), other_lines(other);
  std::string line, other_line;
  while (std::getline(lines, line) && std::getline(other_lines, other_line)) {
    if (line != other_line) {
      return "'" + line + "' on rank 0, '" + other_line + "' on rank " + rank;
    }
  }
  return "rank 0 and rank " + rank + " have other numbers of settings";
}

}  // namespace

void check_same_everywhere(distributed::ProcessGroup& group, const RunConfig& config) {
  if (group.alone()) {
    return;
  }
  const auto all = group.gather(description(config), "settings");
  for (size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] != all[0]) {
      throw Error("the processes were not started alike: ",
                  first_difference(all[0], all[rank], std::to_string(rank)),
                  ". Give all ranks the same program, config, overrides and dataset.");
    }
  }
}

log::File open_run_folder(const RunConfig& config, const Resume& resume,
                          distributed::ProcessGroup& group, const ops::DeviceChoice& device) {
  const auto file = config.folder() / "log.txt";
  std::string changed;
  std::optional<log::File> resumed_log;  // what is taken over is said in it
  distributed::on_first_rank(group, [&] {
    if (resume.asked) {
      if (std::filesystem::exists(file)) {
        resumed_log.emplace(file);
      }
      changed = take_over(config, resume.accept_changed_data);
    } else {
      make_folder(config, device);
    }
  });
  auto log_file = resumed_log ? std::move(*resumed_log) : log::File(file);
  if (!changed.empty()) {
    log::warn("resumed with " + changed + "; config.yaml says so from now on");
  }
  return log_file;
}

}  // namespace moca::experiment
