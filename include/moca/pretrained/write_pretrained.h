#pragma once

#include "moca/dit/moca_dit.h"
#include "moca/pretrained/hugging_face_config.h"
#include "moca/pretrained/sampling_description.h"
#include "moca/vae/latent_statistics.h"

// Our modules as a model folder in the layout and under the names of TripoSG, PartCrafter and
// DINOv2, in the type their parameters have. What we read from such a folder and write again is the
// same to the bit. Each function makes its part's folder in `root`.
namespace moca::pretrained {

// Statistics other than 0 and 1 are folded into the VAE, so that it decodes the DiT's latents as
// they are; its own layers and the statistics stand beside it, see latent_folding.h.
void write_vae(const std::filesystem::path& root, const vae::VecsetVae& vae,
               const vae::LatentStatistics& statistics);

// The velocity is written as the reference predicts it, latents - noise. The ID codebook is called
// part_embedding; packing.* and blocks.i.router.* are a MoCA DiT's own.
void write_dit(const std::filesystem::path& root, const dit::MocaDit& dit, int64_t latent_channels,
               int64_t image_width);

void write_image_encoder(const std::filesystem::path& root,
                         const image_encoder::ImageEncoder& encoder);

// The configs without weights, and model_index.json, which lists the parts that are there and says
// how to sample with them. A MoCA DiT is listed under a class that upstream does not have: its
// PartCrafterDiTModel would leave packing and routers out without an error.
void write_scheduler(const std::filesystem::path& root, const flow::ScheduleConfig& config);
void write_preprocessor(const std::filesystem::path& root,
                        const image_encoder::PreprocessConfig& config);
void write_model_index(const std::filesystem::path& root,
                       const std::optional<SamplingDescription>& sampling = {});

}  // namespace moca::pretrained
