#include "moca/pretrained/hugging_face_config.h"

#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "json_reader.h"
#include "moca/core/error.h"

namespace moca::pretrained {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kUnfolded = "_unfolded";
constexpr int64_t kMaxWidth = 1 << 16;
constexpr int64_t kMaxLayers = 1 << 10;

void require_heads(const JsonReader& json, const char* width_key, int64_t width,
                   const char* heads_key, int64_t heads) {
  if (width % heads != 0) {
    json.refuse(width_key, "It must be a multiple of " + std::string(heads_key) + " (" +
                               std::to_string(heads) + ").");
  }
}

VaeDescription vae_config_of(JsonReader json) {
  VaeDescription description;
  auto& vae = description.vae;
  json.require("in_channels", 3);
  json.require("embedding_type", "frequency");
  vae.latent_channels = json.integer("latent_channels", 64, 1, kMaxWidth);
  vae.num_heads = json.integer("num_attention_heads", 8, 1, kMaxWidth);
  vae.width_encoder = json.integer("width_encoder", 512, 1, kMaxWidth);
  vae.width_decoder = json.integer("width_decoder", 1024, 1, kMaxWidth);
  vae.num_layers_encoder = json.integer("num_layers_encoder", 8, 0, kMaxLayers);
  vae.num_layers_decoder = json.integer("num_layers_decoder", 16, 0, kMaxLayers);
  vae.num_frequencies = json.integer("embed_frequency", 8, 0, 30);
  vae.frequencies_include_pi = json.boolean("embed_include_pi", false);
  require_heads(json, "width_encoder", vae.width_encoder, "num_attention_heads", vae.num_heads);
  require_heads(json, "width_decoder", vae.width_decoder, "num_attention_heads", vae.num_heads);
  description.unfolded_file = json.has(kUnfolded) ? json.text(kUnfolded, "") : "";
  description.latents_mean = json.numbers("latents_mean");
  description.latents_deviation = json.numbers("latents_std");
  for (const auto& [key, list] : {std::pair{"latents_mean", &description.latents_mean},
                                  std::pair{"latents_std", &description.latents_deviation}}) {
    if (!list->empty() && static_cast<int64_t>(list->size()) != vae.latent_channels) {
      json.refuse(key, "It must have latent_channels (" + std::to_string(vae.latent_channels) +
                           ") numbers.");
    }
  }
  json.warn_unknown();
  return description;
}

// PartCrafter's options; its code's defaults where a key is missing.
void read_part_options(JsonReader& json, dit::DitConfig* dit) {
  const int64_t max_parts = json.integer("max_num_parts", 32, json.has("moca") ? 0 : 1, kMaxWidth);
  dit->codebook_size = json.boolean("enable_part_embedding", true) ? max_parts : 0;
  dit->local_image_attention = json.boolean("enable_local_cross_attn", true);
  dit->global_image_attention = json.boolean("enable_global_cross_attn", true);
  if (json.has(kExportedBy) && !json.has("global_attn_block_ids")) {
    json.refuse("global_attn_block_ids", "Write the folder again with moca convert-weights.");
  }
  dit->global_blocks = json.integers("global_attn_block_ids", 0, dit->num_layers - 1);
  const auto range = json.integers("global_attn_block_id_range", 0, dit->num_layers - 1);
  if (!json.has("global_attn_block_ids") && !range.empty()) {
    if (range.size() != 2 || range[0] > range[1]) {
      json.refuse("global_attn_block_id_range", "It must be [first, last], both included.");
    }
    dit->global_blocks.resize(range[1] - range[0] + 1);
    std::iota(dit->global_blocks.begin(), dit->global_blocks.end(), range[0]);
  }
  if (!dit->global_blocks.empty()) {
    dit->global_attention = dit::GlobalAttentionKind::kDense;
  }
}

// What only a MoCA DiT has; written by `json_of`.
void read_moca_options(JsonReader json, dit::DitConfig* dit) {
  dit->global_attention = dit::GlobalAttentionKind::kMoc;
  dit->codebook_size = json.integer("codebook_size", dit->codebook_size, 0, kMaxWidth);
  dit->num_compressed_tokens = json.integer("num_compressed_tokens", 64, 1, kMaxWidth);
  dit->compressed_tokens = enum_of(json, "compressed_tokens", dit->compressed_tokens);
  dit->attend_compressed = json.boolean("attend_compressed", true);
  dit->router.num_selected = json.integer("num_selected", 4, 0, kMaxWidth);
  dit->router.activation = enum_of(json, "activation", dit->router.activation);
  dit->router.gate_target = enum_of(json, "gate_target", dit->router.gate_target);
  dit->router.gate_compressed = json.boolean("gate_compressed", true);
  dit->router.sampling = enum_of(json, "sampling", dit->router.sampling);
  dit->router.stochastic = json.boolean("stochastic", true);
  dit->router.per_head = json.boolean("per_head", true);
  json.warn_unknown();
}

DitDescription dit_config_of(JsonReader json) {
  DitDescription description;
  auto& dit = description.dit;
  dit.global_attention = dit::GlobalAttentionKind::kNone;
  dit.codebook_size = 0;
  dit.width = json.integer("width", 2048, 2, kMaxWidth);
  dit.num_heads = json.integer("num_attention_heads", 16, 1, kMaxWidth);
  dit.num_layers = json.integer("num_layers", 21, 1, kMaxLayers);
  description.latent_channels = json.integer("in_channels", 64, 1, kMaxWidth);
  description.image_width = json.integer("cross_attention_dim", 1024, 1, kMaxWidth);
  require_heads(json, "width", dit.width, "num_attention_heads", dit.num_heads);
  if (dit.width % 2 != 0) {
    json.refuse("width", "It must be even.");
  }
  json.require("use_cross_attention_2", false);
  json.has("cross_attention_2_dim");  // of use_cross_attention_2
  bool has_parts = false;
  for (const char* key : {"max_num_parts", "enable_part_embedding", "global_attn_block_ids",
                          "global_attn_block_id_range"}) {
    has_parts = json.has(key) || has_parts;
  }
  if (has_parts) {
    read_part_options(json, &dit);
  }
  if (json.has("moca")) {
    read_moca_options(json.section("moca"), &dit);
  }
  json.warn_unknown();
  return description;
}

image_encoder::ImageEncoderConfig image_encoder_config_of(JsonReader json) {
  image_encoder::ImageEncoderConfig encoder;
  // Where a key is missing: the defaults of transformers' Dinov2Config.
  encoder.width = json.integer("hidden_size", 768, 1, kMaxWidth);
  encoder.num_layers = json.integer("num_hidden_layers", 12, 1, kMaxLayers);
  encoder.num_heads = json.integer("num_attention_heads", 12, 1, kMaxWidth);
  encoder.mlp_ratio = json.integer("mlp_ratio", 4, 1, 64);
  encoder.norm_epsilon = json.number("layer_norm_eps", 1e-6);
  encoder.image_size = json.integer("image_size", 224, 1, kMaxWidth);
  encoder.patch_size = json.integer("patch_size", 14, 1, kMaxWidth);
  encoder.num_channels = json.integer("num_channels", 3, 1, 64);
  encoder.query_key_value_bias = json.boolean("qkv_bias", true);
  encoder.gated_mlp = json.boolean("use_swiglu_ffn", false);
  if (!encoder.gated_mlp) {
    json.require("hidden_act", "gelu");
  }
  require_heads(json, "hidden_size", encoder.width, "num_attention_heads", encoder.num_heads);
  encoder.position_grid = encoder.image_size / encoder.patch_size;
  if (encoder.position_grid < 1) {
    json.refuse("image_size", "It must be at least patch_size.");
  }
  // Not of the model at inference.
  for (const char* key :
       {"hidden_act", "layerscale_value", "drop_path_rate", "hidden_dropout_prob",
        "attention_probs_dropout_prob", "initializer_range", "model_type", "architectures",
        "torch_dtype", "dtype", "transformers_version", "use_mask_token", "apply_layernorm",
        "reshape_hidden_states", "out_features", "out_indices", "stage_names"}) {
    json.has(key);
  }
  json.warn_unknown();
  return encoder;
}

flow::ScheduleConfig scheduler_config_of(JsonReader json) {
  flow::ScheduleConfig schedule;
  schedule.num_train_timesteps = json.integer("num_train_timesteps", 1000);
  schedule.shift = json.number("shift", 1.0);
  schedule.use_dynamic_shifting = json.boolean("use_dynamic_shifting", false);
  if (schedule.shift <= 0) {
    json.refuse("shift", "It must be above 0.");
  }
  json.warn_unknown();
  return schedule;
}

// A size given as one number or as an object.
std::pair<int64_t, int64_t> size_of(JsonReader& json, const char* key, int64_t otherwise) {
  auto size = json.section(key);
  const int64_t edge = size.integer("shortest_edge", otherwise, 1, kMaxWidth);
  return {size.integer("height", edge, 1, kMaxWidth), size.integer("width", edge, 1, kMaxWidth)};
}

image_encoder::PreprocessConfig preprocessor_config_of(JsonReader json) {
  image_encoder::PreprocessConfig config;
  config.do_resize = json.boolean("do_resize", config.do_resize);
  auto size = json.section("size");
  if (config.do_resize && size.has("height")) {
    json.refuse("size", "Only {\"shortest_edge\": N} is supported.");
  }
  config.shortest_edge =
      static_cast<int>(size.integer("shortest_edge", config.shortest_edge, 1, kMaxWidth));
  json.require("resample", 3);  // Pillow's bicubic
  json.require("do_convert_rgb", true);
  config.do_center_crop = json.boolean("do_center_crop", config.do_center_crop);
  const auto [crop_height, crop_width] = size_of(json, "crop_size", config.crop_height);
  config.crop_height = static_cast<int>(crop_height);
  config.crop_width = static_cast<int>(crop_width);
  config.do_rescale = json.boolean("do_rescale", config.do_rescale);
  config.rescale_factor = json.number("rescale_factor", config.rescale_factor);
  config.do_normalize = json.boolean("do_normalize", config.do_normalize);
  for (const auto& [key, target] :
       {std::pair{"image_mean", &config.image_mean}, std::pair{"image_std", &config.image_std}}) {
    const auto values = json.numbers(key);
    if (!values.empty() && values.size() != target->size()) {
      json.refuse(key, "It must have 3 numbers.");
    }
    std::copy(values.begin(), values.end(), target->begin());
  }
  json.has("image_processor_type");
  json.warn_unknown();
  return config;
}

}  // namespace

VaeDescription read_vae_config(const std::filesystem::path& file) {
  return vae_config_of(JsonReader(file));
}

DitDescription read_dit_config(const std::filesystem::path& file) {
  return dit_config_of(JsonReader(file));
}

image_encoder::ImageEncoderConfig read_image_encoder_config(const std::filesystem::path& file) {
  return image_encoder_config_of(JsonReader(file));
}

flow::ScheduleConfig read_scheduler_config(const std::filesystem::path& file) {
  return scheduler_config_of(JsonReader(file));
}

image_encoder::PreprocessConfig read_preprocessor_config(const std::filesystem::path& file) {
  return preprocessor_config_of(JsonReader(file));
}

VaeDescription vae_config_from(const nlohmann::json& json, const std::filesystem::path& file) {
  return vae_config_of(JsonReader(file, "", json));
}

DitDescription dit_config_from(const nlohmann::json& json, const std::filesystem::path& file) {
  return dit_config_of(JsonReader(file, "", json));
}

image_encoder::ImageEncoderConfig image_encoder_config_from(const nlohmann::json& json,
                                                            const std::filesystem::path& file) {
  return image_encoder_config_of(JsonReader(file, "", json));
}

flow::ScheduleConfig scheduler_config_from(const nlohmann::json& json,
                                           const std::filesystem::path& file) {
  return scheduler_config_of(JsonReader(file, "", json));
}

image_encoder::PreprocessConfig preprocessor_config_from(const nlohmann::json& json,
                                                         const std::filesystem::path& file) {
  return preprocessor_config_of(JsonReader(file, "", json));
}

OrderedJson json_of(const VaeDescription& description) {
  const auto& vae = description.vae;
  OrderedJson json = {{"_class_name", "TripoSGVAEModel"},
                      {"in_channels", 3},
                      {"latent_channels", vae.latent_channels},
                      {"num_attention_heads", vae.num_heads},
                      {"width_encoder", vae.width_encoder},
                      {"width_decoder", vae.width_decoder},
                      {"num_layers_encoder", vae.num_layers_encoder},
                      {"num_layers_decoder", vae.num_layers_decoder},
                      {"embedding_type", "frequency"},
                      {"embed_frequency", vae.num_frequencies},
                      {"embed_include_pi", vae.frequencies_include_pi},
                      {kExportedBy, "moca"}};
  if (!description.unfolded_file.empty()) {
    json[kUnfolded] = description.unfolded_file;
  }
  if (!description.latents_mean.empty()) {
    json["latents_mean"] = description.latents_mean;
    json["latents_std"] = description.latents_deviation;
  }
  return json;
}

OrderedJson json_of(const DitDescription& description) {
  const auto& dit = description.dit;
  const bool moc = dit.global_attention == dit::GlobalAttentionKind::kMoc;
  const bool triposg =
      dit.global_attention == dit::GlobalAttentionKind::kNone && dit.codebook_size == 0;
  OrderedJson json = {{"_class_name", moc       ? kMocaClass
                                      : triposg ? "TripoSGDiTModel"
                                                : "PartCrafterDiTModel"},
                      {"num_attention_heads", dit.num_heads},
                      {"width", dit.width},
                      {"in_channels", description.latent_channels},
                      {"num_layers", dit.num_layers},
                      {"cross_attention_dim", description.image_width},
                      {kExportedBy, "moca"}};  // see read_sampling
  if (triposg) {
    return json;
  }
  json["max_num_parts"] = std::max<int64_t>(dit.codebook_size, 1);
  json["enable_part_embedding"] = dit.codebook_size > 0;
  json["enable_local_cross_attn"] = dit.local_image_attention;
  json["enable_global_cross_attn"] = dit.global_image_attention;
  json["global_attn_block_ids"] = OrderedJson::array();
  for (int64_t block = 0; block < dit.num_layers; ++block) {
    if (dit.is_global(block)) {
      json["global_attn_block_ids"].push_back(block);
    }
  }
  if (moc) {
    // Without rows upstream's table does not fit the file's: PartCrafterDiTModel, asked for by
    // name, fails instead of leaving out packing and routers with a warning.
    json["max_num_parts"] = 0;
    json["moca"] = {{"codebook_size", dit.codebook_size},
                    {"num_compressed_tokens", dit.num_compressed_tokens},
                    {"compressed_tokens", config::name_of(dit.compressed_tokens)},
                    {"attend_compressed", dit.attend_compressed},
                    {"num_selected", dit.router.num_selected},
                    {"activation", config::name_of(dit.router.activation)},
                    {"gate_target", config::name_of(dit.router.gate_target)},
                    {"gate_compressed", dit.router.gate_compressed},
                    {"stochastic", dit.router.stochastic},
                    {"sampling", config::name_of(dit.router.sampling)},
                    {"per_head", dit.router.per_head}};
  }
  return json;
}

}  // namespace moca::pretrained
