#include "moca/experiment/sample_image.h"

#include <array>
#include <nlohmann/json.hpp>

#include "moca/checkpoint/safetensors.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/models.h"
#include "moca/experiment/run_config.h"
#include "moca/experiment/run_paths.h"
#include "moca/image/component_map.h"
#include "moca/image/foreground.h"
#include "moca/image/image_io.h"
#include "moca/ops/device.h"
#include "moca/report/contact_sheet.h"
#include "model_description.h"
#include "run_inputs.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDefaultComponents = 4;
constexpr const char* kWayOut = "Name another with --out.";  // where the folder exists

// A model with what is said of it.
struct Model {
  generation::ComponentGenerator generator;
  ModelDescription description;
  bool crops_to_foreground = false;
};

// A run's VAE and training are what they are: settings of them would be read by nobody.
void refuse_without_effect(const std::vector<std::string>& overrides) {
  constexpr std::array kWithoutEffect = {
      "stage", "seed",          "data.",         "vae.",        "flow.",
      "name=", "dit_training.", "vae_training.", "evaluation.", "training."};
  for (const auto& text : overrides) {
    for (const char* start : kWithoutEffect) {
      if (text.starts_with(start) && !text.starts_with("training.precision")) {
        throw Error(text,
                    " has no effect on sampling from a run. What can be given: sampler.*, "
                    "decoder.*, device, training.precision, and dit.* and image_encoder.*, which "
                    "sample.json then names; the noise's seed is --seed.");
      }
    }
  }
}

Model model_of_run(const SampleOptions& options) {
  if (!options.precision.empty()) {
    throw Error("--precision ", options.precision,
                " is for --weights. A run is sampled in its own precision; for another give "
                "training.precision=",
                options.precision, ".");
  }
  refuse_without_effect(options.overrides);
  const auto config = load_run(options.run, options.overrides);
  auto generator = load_generator(config, ops::select_and_log_device(config.device));
  return {std::move(generator),
          describe_run(config, check_inputs(config, Inputs::kVae, options.accept_changed_data)),
          config.sampler.crop_to_foreground};
}

Model model_of_weights(const SampleOptions& options) {
  const auto config = pretrained_config(options.weights, options.overrides);
  std::optional<at::ScalarType> type;
  if (!options.precision.empty()) {
    type = options.precision == "bf16" ? at::kBFloat16 : at::kFloat;
  }
  return {load_pretrained_generator(config, type, ops::select_and_log_device(config.device)),
          describe_weights(config, options.weights,
                           options.precision.empty() ? "as the folder says" : options.precision,
                           options.overrides),
          config.sampler.crop_to_foreground};
}

generation::Request request_of(const SampleOptions& options, Image image,
                               const generation::ComponentGenerator& generator) {
  generation::Request request{std::move(image), options.num_components.value_or(kDefaultComponents),
                              static_cast<uint64_t>(options.seed)};
  if (options.component_map.empty()) {
    return request;
  }
  if (!generator.takes_component_maps()) {
    throw Error("--component-map ", options.component_map,
                " does not fit the model, which was trained on images without component masks. "
                "Leave it out.");
  }
  request.component_map =
      without_gaps(read_component_map(options.component_map), options.component_map.string());
  request.num_components = static_cast<int64_t>(numbers_in(request.component_map).size());
  if (options.num_components.value_or(request.num_components) != request.num_components) {
    throw Error("--components ", *options.num_components, " does not fit --component-map ",
                options.component_map, ", which marks ", request.num_components,
                ". Leave --components out.");
  }
  return request;
}

// Samples of one image do not share a folder.
fs::path folder_of(const SampleOptions& options, const generation::Request& request) {
  if (!options.out.empty()) {
    return options.out;
  }
  const fs::path source = options.weights.empty() ? options.run : options.weights;
  return source / "samples" /
         (options.image.stem().string() + "_" + std::to_string(request.num_components) +
          "_components_seed_" + std::to_string(options.seed));
}

void write_record(const fs::path& out, const SampleOptions& options,
                  const generation::Request& request, const ModelDescription& model,
                  const mesh::Scene& scene) {
  using Json = nlohmann::ordered_json;
  Json empty = Json::array();
  for (const auto& component : scene.components) {
    if (component.mesh.empty()) {
      empty.push_back(component.name);
    }
  }
  Json json = {{"image", fs::absolute(options.image).string()},
               {"components", request.num_components},
               {"empty_components", empty},
               {"seed", options.seed},
               {"model", json_of(model)}};
  if (!options.component_map.empty()) {
    json["component_map"] = fs::absolute(options.component_map).string();
  }
  write_file(out / "sample.json", json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

void sample_image(const SampleOptions& options) {
  if (options.run.empty() == options.weights.empty()) {
    throw Error("name either a run with --run or a model folder with --weights.");
  }
  if (options.seed < 0) {
    throw Error("--seed (", options.seed, ") must be at least 0.");
  }
  if (!options.out.empty()) {
    require_new(options.out, kWayOut);  // before the model is read
  }
  const auto image = read_image(options.image);
  auto [generator, description, crops_to_foreground] =
      options.weights.empty() ? model_of_run(options) : model_of_weights(options);
  // A component map says of the whole image which pixels are whose, so that is not cropped.
  const bool crop = crops_to_foreground && options.component_map.empty();
  if (crops_to_foreground && !crop) {
    log::info(
        "the image is not cropped to its foreground (sampler.crop_to_foreground): the component "
        "map is of the whole image");
  }
  const auto request =
      request_of(options, image_to_show(image, crop, options.image.string()), generator);
  const auto out = folder_of(options, request);
  require_new(out, kWayOut);
  const auto latents = generator.generate_latents({request}).front();
  const auto scene = generator.decode(latents);
  write_asset(out, scene);
  checkpoint::write_safetensors(out / "latents.safetensors", {{"latents", latents.cpu()}});
  write_png(out / "preview.png", report::preview(request.image, scene));
  write_record(out, options, request, description, scene);
  log::info("wrote " + (out / "asset.glb").string() + ", seen in preview.png beside it");
}

}  // namespace moca::experiment
