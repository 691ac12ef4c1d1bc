#include "moca/pretrained/write_pretrained.h"

#include <ATen/ATen.h>

#include "json_reader.h"
#include "latent_folding.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/file_io.h"
#include "moca/pretrained/hugging_face_folder.h"

namespace moca::pretrained {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr uint64_t kMaxShardBytes = 10'000'000'000;  // diffusers: 10GB

void write_config(const std::filesystem::path& root, Part part, const OrderedJson& json) {
  const auto folder = root / folder_name(part);
  std::filesystem::create_directories(folder);
  write_file(folder / config_name(part), json.dump(2) + "\n");
}

void write_part(const std::filesystem::path& root, Part part, const OrderedJson& config,
                const checkpoint::NamedTensors& tensors) {
  write_config(root, part, config);
  const char* name =
      part == Part::kImageEncoder ? "model.safetensors" : "diffusion_pytorch_model.safetensors";
  checkpoint::write_weights(root / folder_name(part) / name, tensors, kMaxShardBytes);
}

}  // namespace

void write_vae(const std::filesystem::path& root, const vae::VecsetVae& vae,
               const vae::LatentStatistics& statistics) {
  const auto tensors = checkpoint::state_of(*vae);
  const auto mean = statistics->mean(), std = statistics->std();
  const bool folded = mean.ne(0).any().item<bool>() || std.ne(1).any().item<bool>();
  write_part(root, Part::kVae,
             json_of(VaeDescription{vae->config(), {}, {}, folded ? kUnfoldedFile : ""}),
             folded ? fold_statistics(tensors, mean, std) : tensors);
  if (folded) {
    checkpoint::write_safetensors(root / folder_name(Part::kVae) / kUnfoldedFile,
                                  unfolded_tensors(tensors, mean, std), {{"format", "pt"}});
  }
}

void write_dit(const std::filesystem::path& root, const dit::MocaDit& dit, int64_t latent_channels,
               int64_t image_width) {
  auto tensors = checkpoint::state_of(*dit);
  for (auto& [name, tensor] : tensors) {
    if (name == "component_embedding.weight") {
      name = "part_embedding.weight";
    } else if (name.starts_with("proj_out.")) {
      tensor = -tensor;  // as load_dit_weights
    }
  }
  write_part(root, Part::kTransformer,
             json_of(DitDescription{dit->config(), latent_channels, image_width}), tensors);
}

void write_image_encoder(const std::filesystem::path& root,
                         const image_encoder::ImageEncoder& encoder) {
  write_part(root, Part::kImageEncoder, json_of(encoder->config()), checkpoint::state_of(*encoder));
}

void write_scheduler(const std::filesystem::path& root, const flow::ScheduleConfig& config) {
  write_config(root, Part::kScheduler, json_of(config));
}

void write_preprocessor(const std::filesystem::path& root,
                        const image_encoder::PreprocessConfig& config) {
  write_config(root, Part::kPreprocessor, json_of(config));
}

void write_model_index(const std::filesystem::path& root,
                       const std::optional<SamplingDescription>& sampling) {
  std::string dit;
  if (has_part(root, Part::kTransformer)) {
    JsonReader config(root / folder_name(Part::kTransformer) / config_name(Part::kTransformer));
    config("_class_name", dit);
  }
  const bool triposg = dit == "TripoSGDiTModel";
  OrderedJson index = {{"_class_name", dit == kMocaClass ? "MocaPipeline"
                                       : triposg         ? "TripoSGPipeline"
                                                         : "PartCrafterPipeline"}};
  const auto list = [&](Part part, const std::string& library, const std::string& type) {
    if (has_part(root, part)) {
      index[folder_name(part)] = {library, type};
    }
  };
  // Modules of PartCrafter's repository, as its save_pretrained writes them, or of TripoSG's.
  const std::string modules = triposg ? "triposg." : "src.";
  list(Part::kVae, modules + "models.autoencoders.autoencoder_kl_triposg", "TripoSGVAEModel");
  list(Part::kTransformer,
       modules + "models.transformers." +
           (triposg ? "triposg_transformer" : "partcrafter_transformer"),
       dit);
  list(Part::kScheduler, modules + "schedulers.scheduling_rectified_flow",
       "RectifiedFlowScheduler");
  list(Part::kImageEncoder, "transformers", "Dinov2Model");
  list(Part::kPreprocessor, "transformers", "BitImageProcessor");
  if (sampling) {
    index["_sampling"] = json_of(*sampling);
  }
  write_file(root / kModelIndex, index.dump(2) + "\n");
}

}  // namespace moca::pretrained
