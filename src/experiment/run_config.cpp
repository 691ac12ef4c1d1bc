#include "moca/experiment/run_config.h"

#include "moca/config/schema.h"
#include "moca/core/error.h"

namespace moca::experiment {

void RunConfig::validate(const std::string& path) const {
  const auto prefix = path.empty() ? "" : path + ".";
  if (stage == Stage::kDit && vae_run.empty()) {
    throw Error(prefix +
                "vae_run is empty: stage dit needs the folder of a run that trained the VAE.");
  }
  if (data.max_components > dit.codebook_size) {
    throw Error(prefix + "data.max_components (" + std::to_string(data.max_components) +
                ") must be at most " + prefix + "dit.codebook_size (" +
                std::to_string(dit.codebook_size) + "): every component needs an id of its own.");
  }
}

RunConfig load_config(const std::filesystem::path& file,
                      const std::vector<std::string>& overrides) {
  auto config = config::load<RunConfig>(file, overrides);
  if (config.name.empty()) {
    config.name = file.stem().string();
  }
  return config;
}

RunConfig load_run(const std::filesystem::path& run_folder,
                   const std::vector<std::string>& overrides) {
  const auto file = run_folder / "config.yaml";
  if (!std::filesystem::exists(file)) {
    throw Error("no run at " + run_folder.string() +
                " (config.yaml is missing). Train one: moca train CONFIG.");
  }
  return config::load<RunConfig>(file, overrides);
}

}  // namespace moca::experiment
