#include "moca/pretrained/hugging_face_folder.h"

#include <array>
#include <utility>

#include "moca/core/error.h"

namespace moca::pretrained {
namespace {

namespace fs = std::filesystem;

// The names of the folder and of the config in it, in the order of Part.
constexpr std::array<std::pair<const char*, const char*>, 5> kParts = {{
    {"vae", "config.json"},
    {"transformer", "config.json"},
    {"image_encoder_dinov2", "config.json"},
    {"scheduler", "scheduler_config.json"},
    {"feature_extractor_dinov2", "preprocessor_config.json"},
}};

// The part's folder, or an empty path.
fs::path find_part(const fs::path& path, Part part) {
  for (const auto& folder : {path / folder_name(part), path}) {
    if (fs::is_regular_file(folder / config_name(part))) {
      return folder;
    }
  }
  return {};
}

}  // namespace

const char* folder_name(Part part) { return kParts.at(static_cast<size_t>(part)).first; }

const char* config_name(Part part) { return kParts.at(static_cast<size_t>(part)).second; }

bool has_part(const fs::path& path, Part part) { return !find_part(path, part).empty(); }

fs::path part_folder(const fs::path& path, Part part) {
  if (!fs::is_directory(path)) {
    throw Error("no folder ", path,
                ". Name a downloaded model folder such as TripoSG's or PartCrafter's.");
  }
  const auto found = find_part(path, part);
  if (found.empty()) {
    throw Error(path, " holds neither ", folder_name(part), "/", config_name(part), " nor ",
                config_name(part),
                ". Name a model folder in the layout of TripoSG and PartCrafter, or its ",
                folder_name(part), " folder.");
  }
  return found;
}

fs::path weights_file(const fs::path& folder) {
  for (const char* stem : {"diffusion_pytorch_model", "model"}) {
    for (const char* extension : {".safetensors", ".safetensors.index.json"}) {
      const auto file = folder / (std::string(stem) + extension);
      if (fs::is_regular_file(file)) {
        return file;
      }
    }
  }
  throw Error(folder,
              " holds no weights: expected diffusion_pytorch_model.safetensors or "
              "model.safetensors, or one of them as shards with an index. Weights in .bin or .pt "
              "are not read; convert them to safetensors.");
}

}  // namespace moca::pretrained
