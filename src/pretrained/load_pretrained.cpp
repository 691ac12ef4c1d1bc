#include "moca/pretrained/load_pretrained.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <regex>

#include "latent_folding.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/text.h"
#include "moca/pretrained/hugging_face_folder.h"

namespace moca::pretrained {
namespace {

constexpr const char* kCodebook = "component_embedding.weight";
constexpr const char* kPartTable = "part_embedding.weight";  // PartCrafter's name of the codebook
constexpr const char* kCompressionQueries = "packing.compression_queries";
constexpr const char* kPatchWeight = "embeddings.patch_embeddings.projection.weight";

// Names with their block numbers as *, each once: "blocks.*.router.to_q.weight".
std::string summary_of(const std::vector<std::string>& names) {
  std::map<std::string, int> counts;
  for (const auto& name : names) {
    ++counts[std::regex_replace(name, std::regex("\\.[0-9]+\\."), ".*.")];
  }
  return joined(counts, ", ", [](const auto& counted) {
    const auto& [name, count] = counted;
    return name + (count > 1 ? " (" + std::to_string(count) + ")" : "");
  });
}

// `apart`: a tensor whose own line says what became of it.
void log_report(const checkpoint::Weights& weights, checkpoint::LoadReport report,
                const std::string& apart = "") {
  std::erase(report.fresh, apart);
  std::erase(report.refused, apart);
  log::info(concatenated(weights.path(), ": ", report.loaded.size(), " loaded, ",
                         report.fresh.size(), " new, ", report.refused.size(), " refused"));
  if (!report.fresh.empty()) {
    log::info("  new: " + summary_of(report.fresh));
  }
  if (!report.refused.empty()) {
    log::info("  refused: " + summary_of(report.refused));
  }
}

std::vector<int64_t> shape_of(const checkpoint::Weights& weights, const std::string& name) {
  return weights.contains(name) ? weights.entries().at(name).shape : std::vector<int64_t>{};
}

// What a folder holds of a part. A module that is to be loaded from it agrees with both.
struct PartFiles {
  PartFiles(const std::filesystem::path& path, Part part)
      : folder(part_folder(path, part)),
        config(folder / config_name(part)),
        weights(weights_file(folder)) {}

  // A setting that no shape shows.
  void require_equal(const char* setting, int64_t ours, int64_t theirs) const {
    if (ours != theirs) {
      throw Error(setting, " is ", ours, ", but ", config, " says ", theirs,
                  ". Leave the setting out of the config or set it to that.");
    }
  }

  // One characteristic tensor of the config; every other is compared when it is loaded.
  void require_shape(const std::string& name, const std::vector<int64_t>& expected) const {
    const auto shape = shape_of(weights, name);
    if (shape != expected) {
      throw Error(config, " asks for '", name, "' ", c10::str(at::IntArrayRef(expected)), ", but ",
                  weights.path(),
                  (weights.contains(name) ? " has it as " + c10::str(at::IntArrayRef(shape))
                                          : " has no such tensor"),
                  ". Config and weights are of different models.");
    }
  }

  // Blocks "PREFIX.0." ... "PREFIX.COUNT-1.", no more and no fewer.
  void require_blocks(const std::string& prefix, int64_t count) const {
    int64_t found = 0;
    for (const auto& [name, entry] : weights.entries()) {
      if (name.starts_with(prefix)) {
        found = std::max<int64_t>(found, std::atoll(name.c_str() + prefix.size()) + 1);
      }
    }
    if (found != count) {
      throw Error(config, " asks for ", count, " blocks '", prefix, "*', but ", weights.path(),
                  " has ", found, ". Config and weights are of different models.");
    }
  }

  std::filesystem::path folder, config;
  checkpoint::Weights weights;
};

// A tensor [channels] as numbers.
std::vector<double> channel_values(const checkpoint::Weights& weights, const std::string& name,
                                   int64_t channels) {
  std::vector<double> values(channels);
  weights.read_into(name, at::from_blob(values.data(), {channels}, at::kDouble));
  weights.check_finite(name);
  return values;
}

// Before DINOv2's names inside a larger model.
std::string encoder_prefix(const checkpoint::Weights& weights) {
  const std::string inside = "dinov2.";
  return weights.contains(inside + kPatchWeight) ? inside : "";
}

// A warm start with another M keeps as many compression queries as there is room for. Further ones
// stay as they were drawn: copies would get the gradient of their originals and stay copies.
void keep_queries(dit::MocaDit& dit, const checkpoint::Weights& weights) {
  const torch::NoGradGuard no_grad;
  weights.check_finite(kCompressionQueries);
  const auto stored = weights.read(kCompressionQueries);  // [M', D]
  auto queries = dit->named_parameters()[kCompressionQueries];
  const int64_t wanted = queries.size(0), kept = std::min(stored.size(0), wanted);
  queries.narrow(0, 0, kept).copy_(stored.narrow(0, 0, kept));
  log::info("  " + std::to_string(wanted) + " compression queries: " + std::to_string(kept) +
            " read, " +
            (wanted > kept ? std::to_string(wanted - kept) + " drawn anew"
                           : std::to_string(stored.size(0) - kept) + " more in the file left out"));
}

// The layers before folding where the folder has them; refused where the config names their file
// and it is not there.
std::optional<checkpoint::Weights> unfolded_layers(const PartFiles& files,
                                                   const VaeDescription& description) {
  if (std::filesystem::exists(files.folder / kUnfoldedFile)) {
    return checkpoint::Weights(files.folder / kUnfoldedFile);
  }
  if (!description.unfolded_file.empty()) {
    throw Error(files.config, ": _unfolded names ", description.unfolded_file,
                ", which is missing. Copy it too, or remove _unfolded to use the folded layers, "
                "which are rounded once more.");
  }
  return std::nullopt;
}

}  // namespace

VaeDescription describe_vae(const std::filesystem::path& path) {
  const PartFiles files(path, Part::kVae);
  auto description = read_vae_config(files.config);
  const auto& vae = description.vae;
  files.require_shape("encoder.norm_out.weight", {vae.width_encoder});
  files.require_shape("post_quant.weight", {vae.width_decoder, vae.latent_channels});
  files.require_blocks("encoder.blocks.", vae.num_layers_encoder + 1);
  files.require_blocks("decoder.blocks.", vae.num_layers_decoder + 1);
  if (const auto unfolded = unfolded_layers(files, description)) {
    description.latents_mean = channel_values(*unfolded, "latents_mean", vae.latent_channels);
    description.latents_std = channel_values(*unfolded, "latents_std", vae.latent_channels);
  }
  return description;
}

DitDescription describe_dit(const std::filesystem::path& path) {
  const PartFiles files(path, Part::kTransformer);
  auto description = read_dit_config(files.config);
  const int64_t width = description.dit.width;
  files.require_shape("proj_in.weight", {width, description.latent_channels});
  files.require_shape("blocks.0.attn2.to_k.weight", {width, description.image_width});
  files.require_blocks("blocks.", description.dit.num_layers);
  return description;
}

image_encoder::ImageEncoderConfig describe_image_encoder(const std::filesystem::path& path) {
  const PartFiles files(path, Part::kImageEncoder);
  auto config = read_image_encoder_config(files.config);
  const auto prefix = encoder_prefix(files.weights);
  const int64_t num_tokens = 1 + config.position_grid * config.position_grid;
  files.require_shape(prefix + kPatchWeight,
                      {config.width, config.num_channels, config.patch_size, config.patch_size});
  files.require_shape(prefix + "embeddings.position_embeddings", {1, num_tokens, config.width});
  files.require_blocks(prefix + "encoder.layer.", config.num_layers);
  return config;
}

void load_vae_weights(vae::VecsetVae& vae, const checkpoint::Weights& weights,
                      const std::vector<std::string>& unused) {
  log_report(weights, checkpoint::load_state(*vae, weights, {.unused = unused}));
}

void load_dit_weights(dit::MocaDit& dit, const checkpoint::Weights& weights,
                      const std::vector<std::string>& unused) {
  const auto& config = dit->config();
  checkpoint::LoadRules rules{.fresh = {"packing."}, .unused = unused};
  const auto codebook = shape_of(weights, kPartTable);
  if (codebook == std::vector<int64_t>{config.codebook_size, config.width}) {
    rules.renamed[kPartTable] = kCodebook;
  } else {
    rules.unused.emplace_back(kPartTable);
    rules.fresh.emplace_back(kCodebook);
  }
  const auto stored_queries = shape_of(weights, kCompressionQueries);
  const bool other_count = stored_queries.size() == 2 && stored_queries[1] == config.width &&
                           stored_queries[0] != config.num_compressed_tokens;
  if (other_count) {
    rules.unused.emplace_back(kCompressionQueries);
  }
  for (int64_t block = 0; block < config.num_layers; ++block) {
    rules.fresh.push_back("blocks." + std::to_string(block) + ".router.");
  }
  log_report(weights, checkpoint::load_state(*dit, weights, rules),
             other_count ? kCompressionQueries : "");
  if (other_count) {
    keep_queries(dit, weights);
  }
  const torch::NoGradGuard no_grad;
  for (const char* name : {"proj_out.weight", "proj_out.bias"}) {
    dit->named_parameters()[name].neg_();  // from latents - noise to noise - latents, exactly
  }
}

void load_image_encoder_weights(image_encoder::ImageEncoder& encoder,
                                const checkpoint::Weights& weights,
                                const std::vector<std::string>& unused,
                                image_encoder::Inflation inflation) {
  checkpoint::LoadRules rules{
      .prefix = encoder_prefix(weights),
      .fresh = {"embeddings.mask_token"},  // unused at inference, not in every file
      .unused = unused};
  const auto stored = shape_of(weights, rules.prefix + kPatchWeight);
  const int64_t channels = encoder->config().num_channels;
  const bool inflate = stored.size() == 4 && stored[1] < channels;
  if (inflate) {
    rules.unused.emplace_back(kPatchWeight);
    rules.fresh.emplace_back(kPatchWeight);
  }
  log_report(weights, checkpoint::load_state(*encoder, weights, rules),
             inflate ? kPatchWeight : "");
  if (inflate) {
    const torch::NoGradGuard no_grad;
    weights.check_finite(rules.prefix + kPatchWeight);
    encoder->named_parameters()[kPatchWeight].copy_(image_encoder::inflate_patch_weight(
        weights.read(rules.prefix + kPatchWeight), channels, inflation));
    log::info("  the patch projection was inflated from " + std::to_string(stored[1]) + " to " +
              std::to_string(channels) + " channels");
  }
}

void load_vae_weights(vae::VecsetVae& vae, const std::filesystem::path& path) {
  const PartFiles files(path, Part::kVae);
  const auto description = read_vae_config(files.config);
  const auto& theirs = description.vae;
  const auto& ours = vae->config();
  files.require_equal("vae.num_heads", ours.num_heads, theirs.num_heads);
  files.require_equal("vae.num_frequencies", ours.num_frequencies, theirs.num_frequencies);
  files.require_equal("vae.frequencies_include_pi", ours.frequencies_include_pi,
                      theirs.frequencies_include_pi);
  load_vae_weights(vae, files.weights, {});
  if (const auto unfolded = unfolded_layers(files, description)) {
    checkpoint::load_state(
        *vae, *unfolded,
        {.fresh = {"encoder.", "decoder."}, .unused = {"latents_mean", "latents_std"}});
    require_folded(files.weights, *unfolded);
    log::info("  quant and post_quant as trained, from " + unfolded->path().string());
  }
}

void require_whole_dit(const dit::DitConfig& config, const std::filesystem::path& path) {
  const checkpoint::Weights weights(weights_file(part_folder(path, Part::kTransformer)));
  const bool is_moc = config.global_attention == dit::GlobalAttentionKind::kMoc;
  const auto require_rows = [&](const char* tensor, const char* setting, int64_t rows) {
    const auto shape = shape_of(weights, tensor);
    const int64_t stored = shape.empty() ? 0 : shape[0];
    if (stored != rows) {
      throw Error(weights.path(), ": '", tensor, "' has ", stored, " rows, but ", setting, " is ",
                  rows,
                  ". Only what was trained can be generated with: leave the setting as the folder "
                  "has it.");
    }
  };
  require_rows(kPartTable, "dit.codebook_size", config.codebook_size);
  require_rows(kCompressionQueries, "dit.num_compressed_tokens",
               is_moc ? config.num_compressed_tokens : 0);
}

void load_dit_weights(dit::MocaDit& dit, const std::filesystem::path& path) {
  const PartFiles files(path, Part::kTransformer);
  const auto theirs = read_dit_config(files.config).dit;
  files.require_equal("dit.num_heads", dit->config().num_heads, theirs.num_heads);
  files.require_equal("dit.num_layers", dit->config().num_layers, theirs.num_layers);
  load_dit_weights(dit, files.weights, {});
}

void load_image_encoder_weights(image_encoder::ImageEncoder& encoder,
                                const std::filesystem::path& path,
                                image_encoder::Inflation inflation) {
  const PartFiles files(path, Part::kImageEncoder);
  const auto theirs = read_image_encoder_config(files.config);
  const auto& ours = encoder->config();
  files.require_equal("image_encoder.num_heads", ours.num_heads, theirs.num_heads);
  files.require_equal("image_encoder.gated_mlp", ours.gated_mlp, theirs.gated_mlp);
  load_image_encoder_weights(encoder, files.weights, {}, inflation);
}

}  // namespace moca::pretrained
