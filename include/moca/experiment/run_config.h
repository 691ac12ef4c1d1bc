#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/binding.h"
#include "moca/config/rules.h"
#include "moca/data/data_config.h"
#include "moca/dit/dit_config.h"
#include "moca/evaluation/metric_config.h"
#include "moca/flow/euler_sampler.h"
#include "moca/flow/noise_density.h"
#include "moca/generation/adapter.h"
#include "moca/generation/conditioner.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/image_encoder/preprocess.h"
#include "moca/training/training_config.h"
#include "moca/vae/component_decoder.h"
#include "moca/vae/vecset_vae.h"

namespace moca::experiment {

enum class Stage { kVae, kDit };
constexpr auto enum_names(Stage) {
  return std::array{std::pair{"vae", Stage::kVae}, std::pair{"dit", Stage::kDit}};
}

// Which of an asset's images it is generated from: one for all, one drawn per asset, or every
// one.
enum class ViewRule { kFixed, kRandom, kAll };
constexpr auto enum_names(ViewRule) {
  return std::array{std::pair{"fixed", ViewRule::kFixed}, std::pair{"random", ViewRule::kRandom},
                    std::pair{"all", ViewRule::kAll}};
}

struct EvaluationConfig {
  int64_t batch_size = 16;
  int64_t seed = 0;
  ViewRule view = ViewRule::kRandom;
  int64_t view_index = 0;
  evaluation::MetricConfig metrics;

  static void fields(auto& self, auto&& v) {
    v("batch_size", self.batch_size, "assets that are sampled together", config::at_least(1));
    v("seed", self.seed, "seed of the noise, component ids and drawn views of generated assets",
      config::at_least(0));
    v("view", self.view,
      "image an asset is generated from: fixed (view_index), random (drawn per asset; the "
      "paper's), or all (scores are means over every view)");
    v("view_index", self.view_index, "which view, for view: fixed; 0 is the first",
      config::at_least(0));
    v("metrics", self.metrics, "how generated and reference assets are compared");
  }
  void validate(const std::string& path) const;
};

// Public weights that a run starts from or uses: each a model folder in the layout of TripoSG and
// PartCrafter, or the folder of one part in it.
struct PretrainedConfig {
  std::string vae;
  std::string dit;
  std::string image_encoder;
  image_encoder::Inflation inflation = image_encoder::Inflation::kClone;
  std::string dit_lora;
  std::string image_encoder_lora;

  static void fields(auto& self, auto&& v) {
    using config::kMayChangeWithInputs, config::place;
    v("vae", self.vae,
      "folder with a VAE; the dit stage uses it frozen instead of vae_run, the vae stage starts "
      "from it",
      place(), kMayChangeWithInputs);
    v("dit", self.dit, "folder with a DiT (TripoSG, PartCrafter or MoCA) to start from", place());
    v("image_encoder", self.image_encoder, "folder with a DINOv2 image encoder to use", place());
    v("inflation", self.inflation,
      "new input channels of a pretrained image encoder: zero, or clone of RGB (MIDI-3D)");
    v("dit_lora", self.dit_lora, "folder with a peft LoRA adapter that is merged into the DiT",
      place());
    v("image_encoder_lora", self.image_encoder_lora,
      "folder with a peft LoRA adapter that is merged into the image encoder", place());
  }
};

// Everything a run is made of; config.yaml in its folder holds all values, and training from that
// file alone repeats the run.
struct RunConfig {
  Stage stage = Stage::kDit;
  std::string name;
  std::string runs_folder = "runs";
  std::string vae_run;
  PretrainedConfig pretrained;
  std::string device = "auto";
  int64_t seed = 0;
  data::DataConfig data;
  vae::VaeConfig vae;
  image_encoder::ImageEncoderConfig image_encoder;
  dit::DitConfig dit;
  generation::ConditionConfig condition;
  generation::AdapterConfig adapter;
  flow::FlowConfig flow;
  training::TrainingConfig training;
  training::VaeTrainingConfig vae_training;
  training::DitTrainingConfig dit_training;
  flow::SamplerConfig sampler;
  vae::DecoderConfig decoder;
  EvaluationConfig evaluation;

  static void fields(auto& self, auto&& v) {
    using config::kMayChange, config::kMayChangeWithInputs;
    v("stage", self.stage, "what the run trains: the VAE, or the DiT on latents of a frozen VAE");
    v("name", self.name, "name of the run's folder; empty: the config file's name", kMayChange);
    v("runs_folder", self.runs_folder, "folder that holds the runs", kMayChange);
    v("vae_run", self.vae_run, "run whose averaged VAE the dit stage uses", config::place(),
      kMayChangeWithInputs);
    v("pretrained", self.pretrained, "public weights; their sizes become the settings' defaults");
    v("device", self.device, "auto, cpu, cuda or cuda:N", kMayChange);
    v("seed", self.seed, "seed of everything random in the run", config::at_least(0));
    v("data", self.data, "the prepared dataset and how it is made", kMayChangeWithInputs);
    v("vae", self.vae, "the vecset VAE (Eq. 1, 2)");
    v("image_encoder", self.image_encoder, "the image's encoder (DINOv2)");
    v("dit", self.dit, "the MoCA diffusion transformer");
    v("condition", self.condition, "what the DiT sees beside the image");
    v("adapter", self.adapter, "what is trained in place of the denoiser's own weights");
    v("flow", self.flow, "noise levels of the dit stage's training");
    v("training", self.training, "the training loop");
    v("vae_training", self.vae_training, "the vae stage's loss");
    v("dit_training", self.dit_training, "the dit stage's data and conditions");
    v("sampler", self.sampler, "from noise to latents", kMayChange);
    v("decoder", self.decoder, "from latents to meshes", kMayChange);
    v("evaluation", self.evaluation, "scores of generated assets", kMayChange);
  }
  void validate(const std::string& path) const;
  static std::vector<config::RetiredSetting> retired();

  std::filesystem::path folder() const { return std::filesystem::path(runs_folder) / name; }
};

// What the VAE of a run, or of the run that its `vae_run` names, was trained to give; an occupancy,
// whose slope has no bound, for public weights.
training::VaeTrainingConfig field_of_vae(const RunConfig& config);

// Refuses a decoder that takes a clipped distance for flatter than it is. `prefix` begins the
// message.
void require_sound_slope(const vae::DecoderConfig& decoder,
                         const training::VaeTrainingConfig& field, const std::string& prefix);

// Reads a config file; the name defaults to the file's. Settings it leaves out take the values of
// the pretrained folders that it names, then the defaults; the size of the image encoder's images
// is the dataset's. The dataset and the VAE of a run that is to be trained must be there: it takes
// their settings, see training_settings.h.
RunConfig load_config(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                      bool to_train = false);

// Reads the resolved config of an existing run folder, wherever it was moved or copied to.
RunConfig load_run(const std::filesystem::path& run_folder,
                   const std::vector<std::string>& overrides = {});

// The config of a model folder, one of our exports or public weights: all parts from `folder`,
// sampled as an export says or as upstream does.
RunConfig pretrained_config(const std::filesystem::path& folder,
                            const std::vector<std::string>& overrides);

}  // namespace moca::experiment
