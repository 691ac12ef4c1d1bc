#include "run_inputs.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/core/text.h"
#include "moca/experiment/run_paths.h"
#include "moca/pretrained/hugging_face_folder.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

fs::path inputs_file(const RunConfig& config) { return config.folder() / "inputs.json"; }

Json json_of(const fs::path& file) {
  const auto sum = sum_of_file(file);
  return {{"bytes", sum.bytes}, {"crc32c", formatted("%08x", sum.crc32c)}};
}

// Of the files in `folder` whose names begin so.
Json files_in(const fs::path& folder, const std::string& prefix) {
  Json files = Json::object();
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    const auto name = entry.path().filename().string();
    if (entry.is_regular_file() && name.starts_with(prefix)) {
      files[name] = json_of(entry.path());
    }
  }
  return files;
}

// index.json holds the sums of all other files.
Json dataset_files(const fs::path& folder) {
  return {{"path", absolute_folder(folder).string()}, {"files", files_in(folder, "index.json")}};
}

// The weights that the run uses; null in stage vae, which trains them.
Json vae_files(const RunConfig& config) {
  if (config.stage == Stage::kVae) {
    return nullptr;
  }
  fs::path folder = config.vae_run;
  Json files;
  if (config.pretrained.vae.empty()) {
    const auto checkpoints = folder / "checkpoints";
    const auto step = checkpoint::latest_good_step(checkpoints);
    files = step ? files_in(checkpoint::step_folder(checkpoints, *step), "ema") : Json::object();
  } else {
    folder = config.pretrained.vae;
    files = files_in(pretrained::part_folder(folder, pretrained::Part::kVae), "");
  }
  return {{"path", absolute_folder(folder).string()}, {"files", files}};
}

Json inputs_of(const RunConfig& config) {
  return {{"dataset", dataset_files(config.data.path)}, {"vae", vae_files(config)}};
}

// Null where the run is older than inputs.json.
Json recorded_inputs(const RunConfig& config) {
  const auto file = inputs_file(config);
  if (!fs::exists(file)) {
    return nullptr;
  }
  const auto json = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  for (const char* key : {"dataset", "vae"}) {
    if (!json.is_object() || !json.contains(key) ||
        !(json[key].is_null() || (json[key].is_object() && json[key].contains("files")))) {
      throw Error(file, " is damaged: '", key,
                  "' with the files that the run was trained on is missing. Remove the file to go "
                  "on without this check.");
    }
  }
  return json;
}

// Nothing where both name the same bytes.
std::string difference(const std::string& what, const Json& recorded, const Json& found) {
  if (recorded.is_null() || found.is_null() || recorded["files"] == found["files"]) {
    return "";
  }
  return "the " + what + " " + found["path"].get<std::string>() +
         " is not the one that the run was trained on: " + found["files"].dump() + " instead of " +
         recorded["files"].dump();
}

std::vector<std::string> differences(const Json& recorded, const RunConfig& config, Inputs inputs) {
  std::vector<std::string> found;
  if (recorded.is_null()) {
    log::warn(inputs_file(config).string() +
              " is missing: whether dataset and VAE are those of the training is not known");
    return found;
  }
  if (inputs == Inputs::kDatasetAndVae) {
    found.push_back(difference("dataset", recorded["dataset"], dataset_files(config.data.path)));
  }
  found.push_back(difference("VAE", recorded["vae"], vae_files(config)));
  std::erase(found, "");
  return found;
}

void refuse_or_say(const std::vector<std::string>& changed, const RunConfig& config, bool accept) {
  for (const auto& change : changed) {
    if (!accept) {
      throw Error(config.folder(), ": ", change,
                  ". Name the right one (data.path, vae_run or pretrained.vae), or accept this one "
                  "with --accept-changed-data.");
    }
    log::warn("accepted: " + change);
  }
}

void write_inputs(const RunConfig& config, const Json& inputs) {
  // A folder's name may have any bytes.
  write_file(inputs_file(config),
             inputs.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

void record_inputs(const RunConfig& config) { write_inputs(config, inputs_of(config)); }

std::vector<std::string> check_inputs(const RunConfig& config, Inputs inputs, bool accept) {
  const auto changed = differences(recorded_inputs(config), config, inputs);
  refuse_or_say(changed, config, accept);
  return changed;
}

void take_over_inputs(const RunConfig& config, bool accept) {
  auto recorded = recorded_inputs(config);
  const auto changed = differences(recorded, config, Inputs::kDatasetAndVae);
  refuse_or_say(changed, config, accept);
  if (changed.empty() && !recorded.is_null()) {
    return;
  }
  auto inputs = inputs_of(config);
  if (!recorded.is_null()) {
    inputs["before"] = recorded.value("before", Json::array());
    recorded.erase("before");
    inputs["before"].push_back(recorded);
  }
  write_inputs(config, inputs);
}

}  // namespace moca::experiment
