#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "moca/dit/dit_config.h"
#include "moca/flow/schedule.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/image_encoder/preprocess.h"
#include "moca/vae/vecset_vae.h"

// The config JSON files of public weights as our settings, and back. Options that our models lack
// are refused by name; `_class_name` is not looked at (TripoSG's own names differ between files).
namespace moca::pretrained {

struct VaeDescription {
  vae::VaeConfig vae;  // num_tokens is not part of the file and keeps its default
  // Statistics the latents are standardised by; empty: they are used as they are (TripoSG).
  std::vector<double> latents_mean;
  std::vector<double> latents_std;
  // The file beside the weights with what they were before folding (latent_folding.h); empty: none.
  std::string unfolded_file;
};

// The class of a MoCA DiT in a config's _class_name; no public code has it.
inline constexpr const char* kMocaClass = "MocaDiTModel";
// The key of a config that moca wrote: nothing may be missing from it.
inline constexpr const char* kExportedBy = "_exported_by";

struct DitDescription {
  dit::DitConfig dit;
  int64_t latent_channels = 64;
  int64_t image_width = 1024;
};

// From a file, or from the JSON that stands in it (a fixture's description).
VaeDescription read_vae_config(const std::filesystem::path& file,
                               const nlohmann::json* inside = nullptr);
DitDescription read_dit_config(const std::filesystem::path& file,
                               const nlohmann::json* inside = nullptr);
image_encoder::ImageEncoderConfig read_image_encoder_config(const std::filesystem::path& file,
                                                            const nlohmann::json* inside = nullptr);
flow::ScheduleConfig read_scheduler_config(const std::filesystem::path& file,
                                           const nlohmann::json* inside = nullptr);
image_encoder::PreprocessConfig read_preprocessor_config(const std::filesystem::path& file,
                                                         const nlohmann::json* inside = nullptr);

// What `read_..._config` reads, as diffusers and transformers write it; of a VAE without
// statistics.
nlohmann::ordered_json json_of(const VaeDescription& description);
nlohmann::ordered_json json_of(const DitDescription& description);
nlohmann::ordered_json json_of(const image_encoder::ImageEncoderConfig& config);
nlohmann::ordered_json json_of(const flow::ScheduleConfig& config);
nlohmann::ordered_json json_of(const image_encoder::PreprocessConfig& config);

}  // namespace moca::pretrained
