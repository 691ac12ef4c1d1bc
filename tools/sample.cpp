#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/experiment/evaluate_run.h"
#include "moca/experiment/models.h"
#include "moca/experiment/run_config.h"
#include "moca/image/image_io.h"
#include "moca/ops/device.h"

namespace {

struct SampleOptions {
  std::string run;
  std::string picture;
  std::vector<std::string> overrides;
  int64_t num_components = 4;
  uint64_t seed = 0;
  std::string out;
};

void run(const SampleOptions& options) {
  const std::filesystem::path folder = options.run;
  const std::filesystem::path picture = options.picture;
  const auto config = moca::experiment::load_run(folder, options.overrides);
  const auto image = moca::read_image(picture);
  const auto out = options.out.empty() ? folder / "samples" / picture.stem()
                                       : std::filesystem::path(options.out);
  if (std::filesystem::exists(out)) {
    throw moca::Error("the folder " + out.string() +
                      " exists already and is not overwritten. Name another with --out.");
  }
  auto generator =
      moca::experiment::load_generator(config, moca::ops::select_device(config.device));
  const auto scenes = generator.generate({{image, options.num_components, options.seed}});
  moca::experiment::write_asset(out, scenes.front());
  moca::log::info("wrote " + (out / "asset.glb").string());
}

}  // namespace

void add_sample(CLI::App& app) {
  auto options = std::make_shared<SampleOptions>();
  auto* command = app.add_subcommand("sample", "Generate one mesh per component from a picture");
  command->add_option("run", options->run, "folder of a run of stage dit")->required();
  command->add_option("picture", options->picture, "PNG or JPEG; transparency becomes white")
      ->required();
  command->add_option("overrides", options->overrides, "settings as section.key=value");
  command->add_option("--components", options->num_components, "components to generate")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "of the noise and component ids")
      ->capture_default_str();
  command->add_option("--out", options->out, "folder for the meshes; default RUN/samples/PICTURE");
  command->callback([options] { run(*options); });
}
