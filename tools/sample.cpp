#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/checkpoint/safetensors.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/models.h"
#include "moca/experiment/run_config.h"
#include "moca/image/image_io.h"
#include "moca/ops/device.h"

namespace {

namespace fs = std::filesystem;
namespace experiment = moca::experiment;

struct SampleOptions {
  std::string run;
  std::string weights;
  std::string picture;
  std::string component_map;
  std::vector<std::string> overrides;
  std::string precision;  // empty: as the folder says
  int64_t num_components = 4;
  uint64_t seed = 0;
  std::string out;
};

moca::generation::ComponentGenerator make_generator(const SampleOptions& options) {
  if (options.weights.empty()) {
    if (!options.precision.empty()) {
      throw moca::Error("--precision " + options.precision +
                        " is for --weights. A run is sampled in its own precision; for another "
                        "give training.precision=" +
                        options.precision + ".");
    }
    const auto config = experiment::load_run(options.run, options.overrides);
    return experiment::load_generator(config, moca::ops::select_device(config.device));
  }
  const auto config = experiment::pretrained_config(options.weights, options.overrides);
  std::optional<at::ScalarType> type;
  if (!options.precision.empty()) {
    type = options.precision == "bf16" ? at::kBFloat16 : at::kFloat;
  }
  return experiment::load_pretrained_generator(config, type,
                                               moca::ops::select_device(config.device));
}

moca::generation::Request request_of(const SampleOptions& options, const moca::Image& picture,
                                     const moca::generation::ComponentGenerator& generator) {
  moca::generation::Request request{picture, options.num_components, options.seed};
  if (options.component_map.empty()) {
    return request;
  }
  if (!generator.takes_component_maps()) {
    throw moca::Error("--component-map " + options.component_map +
                      " is of no use: the model was trained on pictures without component masks.");
  }
  request.component_map = moca::read_image(options.component_map);
  const auto& ids = request.component_map.pixels;
  // 1 for a map that marks nothing, which the generator refuses by what it is.
  const int largest = ids.empty() ? 0 : *std::max_element(ids.begin(), ids.end());
  request.num_components = std::max(largest, 1);
  return request;
}

void run(const SampleOptions& options) {
  if (options.run.empty() == options.weights.empty()) {
    throw moca::Error("name either a run with --run or a model folder with --weights.");
  }
  const fs::path picture = options.picture;
  const auto image = moca::read_image(picture);
  const auto source = fs::path(options.weights.empty() ? options.run : options.weights);
  const auto out =
      options.out.empty() ? source / "samples" / picture.stem() : fs::path(options.out);
  if (fs::exists(out)) {
    throw moca::Error("the folder " + out.string() +
                      " exists already and is not overwritten. Name another with --out.");
  }
  auto generator = make_generator(options);
  const auto latents = generator.generate_latents({request_of(options, image, generator)}).front();
  experiment::write_asset(out, generator.decode(latents));
  moca::checkpoint::write_safetensors(out / "latents.safetensors", {{"latents", latents.cpu()}});
  moca::log::info("wrote " + (out / "asset.glb").string());
}

}  // namespace

void add_sample(CLI::App& app) {
  auto options = std::make_shared<SampleOptions>();
  auto* command = app.add_subcommand("sample", "Generate one mesh per component from a picture");
  command->add_option("--run", options->run, "folder of a run of stage dit");
  command->add_option("--weights", options->weights,
                      "folder of weights in the layout of TripoSG and PartCrafter: public ones, "
                      "or what convert-weights wrote");
  command->add_option("--image", options->picture, "PNG or JPEG of the object or scene")
      ->required();
  command->add_option(
      "--component-map", options->component_map,
      "for models trained with masks: PNG of the picture's size, one channel, 0 the "
      "background, i + 1 component i; says how many components there are");
  command->add_option("overrides", options->overrides, "settings as section.key=value");
  command->add_option("--components", options->num_components, "components to generate")
      ->capture_default_str();
  command
      ->add_option("--precision", options->precision,
                   "fp32 or bf16: what --weights are held and computed in; default fp32, and for "
                   "an export as its run")
      ->check(CLI::IsMember({"fp32", "bf16"}));
  command->add_option("--seed", options->seed, "of the noise and component ids")
      ->capture_default_str();
  command->add_option("--out", options->out,
                      "folder for the meshes; default samples/IMAGE in the run or model folder");
  command->callback([options] { run(*options); });
}
