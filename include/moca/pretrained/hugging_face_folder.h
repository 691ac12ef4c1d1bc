#pragma once

#include <filesystem>

// The folder layout of TripoSG's and PartCrafter's public weights: one folder per part, each with
// its config JSON.
namespace moca::pretrained {

enum class Part { kVae, kTransformer, kImageEncoder, kScheduler, kPreprocessor };

// The name of a part's folder: vae, transformer, image_encoder_dinov2, ...
const char* folder_name(Part part);
// The name of a part's JSON file: config.json, scheduler_config.json, preprocessor_config.json.
const char* config_name(Part part);

// The file of a model folder that names every part's class.
inline constexpr const char* kModelIndex = "model_index.json";

// The folder of one part: `path`/<folder name>, or `path` itself where that holds the part's JSON.
// Throws Error when neither does.
std::filesystem::path part_folder(const std::filesystem::path& path, Part part);
bool has_part(const std::filesystem::path& path, Part part);

// The weights in a part's folder: diffusion_pytorch_model or model, as .safetensors or as shards
// with an index.
std::filesystem::path weights_file(const std::filesystem::path& folder);

}  // namespace moca::pretrained
