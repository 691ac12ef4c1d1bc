#pragma once

#include "moca/checkpoint/weights.h"
#include "moca/dit/moca_dit.h"
#include "moca/pretrained/hugging_face_config.h"

// Public weights into our modules. `path` is a model folder or a part's folder. Every tensor is
// accounted for (loaded, new, refused; the log prints the counts and names what is new); anything
// else is an Error that names file, key, expected and found shape, and leaves the module as it was.
// Settings that no shape shows (heads, norms) must agree with the folder's config as well.
namespace moca::pretrained {

// What the config of a part's folder says, checked against its weights: a module of these sizes can
// be made and loaded. A VAE's statistics are those of its unfolded layers, which are what is loaded
// where an export has them (latent_folding.h).
VaeDescription describe_vae(const std::filesystem::path& path);
DitDescription describe_dit(const std::filesystem::path& path);
image_encoder::ImageEncoderConfig describe_image_encoder(const std::filesystem::path& path);

void load_vae_weights(vae::VecsetVae& vae, const std::filesystem::path& path);

// A DiT from TripoSG's, PartCrafter's or our own written weights. What the file does not have is
// new and keeps its initial values: the ID codebook (where its size differs), packing and routers.
// TripoSG and PartCrafter predict latents - noise: the output projection is negated here, and
// nowhere else.
void load_dit_weights(dit::MocaDit& dit, const std::filesystem::path& path);

// Refuses a DiT of which the folder does not have every tensor, as one with another number of ids:
// trained further it would learn them, generating would use random ones.
void require_whole_dit(const dit::DitConfig& config, const std::filesystem::path& path);

// With more input channels than the file has, the patch projection is inflated.
void load_image_encoder_weights(
    image_encoder::ImageEncoder& encoder, const std::filesystem::path& path,
    image_encoder::Inflation inflation = image_encoder::Inflation::kClone);

// The same from one opened file whose names begin with nothing else; `unused` are beginnings of
// names to leave alone (a fixture's inputs and outputs).
void load_vae_weights(vae::VecsetVae& vae, const checkpoint::Weights& weights,
                      const std::vector<std::string>& unused);
void load_dit_weights(dit::MocaDit& dit, const checkpoint::Weights& weights,
                      const std::vector<std::string>& unused);
void load_image_encoder_weights(image_encoder::ImageEncoder& encoder,
                                const checkpoint::Weights& weights,
                                const std::vector<std::string>& unused,
                                image_encoder::Inflation inflation);

}  // namespace moca::pretrained
