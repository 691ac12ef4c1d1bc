#include "moca/pretrained/hugging_face_config.h"

#include <algorithm>
#include <numeric>

#include "json_reader.h"

namespace moca::pretrained {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kUnfolded = "_unfolded";
// PartCrafter's options of the parts: without all of them a DiT is TripoSG's.
constexpr std::array kPartOptions = {"max_num_parts", "enable_part_embedding",
                                     "global_attn_block_ids", "global_attn_block_id_range"};
constexpr int64_t kMaxWidth = 1 << 16;
const auto kWidth = config::in_range(1, kMaxWidth);
const auto kLayers = config::in_range(1, 1 << 10);

// The keys of each config, which a JsonReader and a JsonWriter go through alike. Where a public
// config lacks one, the variable keeps the default of upstream's code.
void visit_vae(auto& vae, auto& json) {
  json.require("in_channels", 3);
  json("latent_channels", vae.latent_channels, kWidth);
  json("num_attention_heads", vae.num_heads, kWidth);
  json("width_encoder", vae.width_encoder, kWidth);
  json("width_decoder", vae.width_decoder, kWidth);
  json("num_layers_encoder", vae.num_layers_encoder, config::in_range(0, 1 << 10));
  json("num_layers_decoder", vae.num_layers_decoder, config::in_range(0, 1 << 10));
  json.require("embedding_type", "frequency");
  json("embed_frequency", vae.num_frequencies, config::in_range(0, 30));
  json("embed_include_pi", vae.frequencies_include_pi);
}

void visit_dit(auto& description, auto& json) {
  json("num_attention_heads", description.dit.num_heads, kWidth);
  json("width", description.dit.width, config::in_range(2, kMaxWidth));
  json("in_channels", description.latent_channels, kWidth);
  json("num_layers", description.dit.num_layers, kLayers);
  json("cross_attention_dim", description.image_width, kWidth);
}

// PartCrafter's options.
void visit_image_attention(auto& dit, auto& json) {
  json("enable_local_cross_attn", dit.local_image_attention);
  json("enable_global_cross_attn", dit.global_image_attention);
}

// What only a MoCA DiT has.
void visit_moca(auto& dit, auto& json) {
  json("codebook_size", dit.codebook_size, config::in_range(0, kMaxWidth));
  json("num_compressed_tokens", dit.num_compressed_tokens, kWidth);
  json("compressed_tokens", dit.compressed_tokens);
  json("attend_compressed", dit.attend_compressed);
  dit::RouterConfig::fields(dit.router, json);
}

void visit_image_encoder(auto& encoder, auto& json) {
  json("hidden_size", encoder.width, kWidth);
  json("num_hidden_layers", encoder.num_layers, kLayers);
  json("num_attention_heads", encoder.num_heads, kWidth);
  json("mlp_ratio", encoder.mlp_ratio, config::in_range(1, 64));
  json("layer_norm_eps", encoder.norm_epsilon);
  json("patch_size", encoder.patch_size, kWidth);
  json("num_channels", encoder.num_channels, config::in_range(1, 64));
  json("qkv_bias", encoder.query_key_value_bias);
  json("use_swiglu_ffn", encoder.gated_mlp);
}

void visit_schedule(auto& schedule, auto& json) {
  json("num_train_timesteps", schedule.num_train_timesteps);
  json("shift", schedule.shift);
  json("use_dynamic_shifting", schedule.use_dynamic_shifting);
}

void visit_preprocessor(auto& config, auto& json) {
  json("do_resize", config.do_resize);
  json.require("resample", 3);  // Pillow's bicubic
  json("do_center_crop", config.do_center_crop);
  json("do_rescale", config.do_rescale);
  json("rescale_factor", config.rescale_factor);
  json("do_normalize", config.do_normalize);
  json("image_mean", config.image_mean);
  json("image_std", config.image_std);
  json.require("do_convert_rgb", true);
}

void require_heads(const JsonReader& json, const char* width_key, int64_t width, int64_t heads) {
  if (width % heads != 0) {
    json.refuse(width_key,
                "It must be a multiple of num_attention_heads (" + std::to_string(heads) + ").");
  }
}

void read_part_options(JsonReader& json, dit::DitConfig* dit) {
  dit->codebook_size = 32;
  json("max_num_parts", dit->codebook_size, config::in_range(json.has("moca") ? 0 : 1, kMaxWidth));
  bool has_codebook = true;
  json("enable_part_embedding", has_codebook);
  dit->codebook_size *= has_codebook ? 1 : 0;
  visit_image_attention(*dit, json);
  if (json.has(kExportedBy) && !json.has("global_attn_block_ids")) {
    json.refuse("global_attn_block_ids", "Write the folder again with moca convert-weights.");
  }
  const auto blocks = config::in_range(0, static_cast<double>(dit->num_layers - 1));
  json("global_attn_block_ids", dit->global_blocks, blocks);
  std::vector<int64_t> range;
  json("global_attn_block_id_range", range, blocks);
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

}  // namespace

VaeDescription read_vae_config(const std::filesystem::path& file, const nlohmann::json* inside) {
  JsonReader json(file, inside);
  VaeDescription description;
  auto& vae = description.vae;
  visit_vae(vae, json);
  require_heads(json, "width_encoder", vae.width_encoder, vae.num_heads);
  require_heads(json, "width_decoder", vae.width_decoder, vae.num_heads);
  if (json.has(kUnfolded)) {
    json(kUnfolded, description.unfolded_file);
  }
  for (const auto& [key, list] : {std::pair{"latents_mean", &description.latents_mean},
                                  std::pair{"latents_std", &description.latents_std}}) {
    json(key, *list);
    if (!list->empty() && static_cast<int64_t>(list->size()) != vae.latent_channels) {
      json.refuse(key, "It must have latent_channels (" + std::to_string(vae.latent_channels) +
                           ") numbers.");
    }
  }
  json.warn_unknown();
  return description;
}

DitDescription read_dit_config(const std::filesystem::path& file, const nlohmann::json* inside) {
  JsonReader json(file, inside);
  DitDescription description;
  auto& dit = description.dit;
  dit.global_attention = dit::GlobalAttentionKind::kNone;
  dit.codebook_size = 0;
  visit_dit(description, json);
  require_heads(json, "width", dit.width, dit.num_heads);
  if (dit.width % 2 != 0) {
    json.refuse("width", "It must be even.");
  }
  json.require("use_cross_attention_2", false);
  json.has("cross_attention_2_dim");  // of use_cross_attention_2
  const auto is_given = [&](const char* key) { return json.has(key); };
  if (std::ranges::any_of(kPartOptions, is_given)) {
    read_part_options(json, &dit);
  }
  if (json.has("moca")) {
    dit.global_attention = dit::GlobalAttentionKind::kMoc;
    auto moca = json.section("moca");
    visit_moca(dit, moca);
    moca.warn_unknown();
  }
  json.warn_unknown();
  return description;
}

image_encoder::ImageEncoderConfig read_image_encoder_config(const std::filesystem::path& file,
                                                            const nlohmann::json* inside) {
  JsonReader json(file, inside);
  // The defaults of transformers' Dinov2Config that are not ours.
  image_encoder::ImageEncoderConfig encoder{.width = 768, .num_layers = 12, .num_heads = 12};
  visit_image_encoder(encoder, json);
  json("image_size", encoder.image_size, kWidth);
  if (!encoder.gated_mlp) {
    json.require("hidden_act", "gelu");
  }
  require_heads(json, "hidden_size", encoder.width, encoder.num_heads);
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

flow::ScheduleConfig read_scheduler_config(const std::filesystem::path& file,
                                           const nlohmann::json* inside) {
  JsonReader json(file, inside);
  flow::ScheduleConfig schedule;
  visit_schedule(schedule, json);
  if (schedule.shift <= 0) {
    json.refuse("shift", "It must be above 0.");
  }
  json.warn_unknown();
  return schedule;
}

image_encoder::PreprocessConfig read_preprocessor_config(const std::filesystem::path& file,
                                                         const nlohmann::json* inside) {
  JsonReader json(file, inside);
  image_encoder::PreprocessConfig config;
  visit_preprocessor(config, json);
  auto size = json.section("size");
  if (config.do_resize && size.has("height")) {
    json.refuse("size", "Only {\"shortest_edge\": N} is supported.");
  }
  size("shortest_edge", config.shortest_edge, kWidth);
  // One number for both sides, or each.
  auto crop = json.section("crop_size");
  crop("shortest_edge", config.crop_height, kWidth);
  config.crop_width = config.crop_height;
  crop("height", config.crop_height, kWidth);
  crop("width", config.crop_width, kWidth);
  json.has("image_processor_type");
  json.warn_unknown();
  return config;
}

OrderedJson json_of(const VaeDescription& description) {
  JsonWriter json{{{"_class_name", "TripoSGVAEModel"}}};
  visit_vae(description.vae, json);
  json(kExportedBy, "moca");
  if (!description.unfolded_file.empty()) {
    json(kUnfolded, description.unfolded_file);
  }
  return json.json;
}

OrderedJson json_of(const DitDescription& description) {
  const auto& dit = description.dit;
  const bool moc = dit.global_attention == dit::GlobalAttentionKind::kMoc;
  const bool triposg =
      dit.global_attention == dit::GlobalAttentionKind::kNone && dit.codebook_size == 0;
  JsonWriter json{{{"_class_name", moc       ? kMocaClass
                                   : triposg ? "TripoSGDiTModel"
                                             : "PartCrafterDiTModel"}}};
  visit_dit(description, json);
  json(kExportedBy, "moca");  // see read_sampling
  if (triposg) {
    return json.json;
  }
  // For MoCA 0: without rows upstream's table does not fit the file's, so PartCrafterDiTModel,
  // asked for by name, fails instead of leaving out packing and routers with a warning.
  json("max_num_parts", moc ? 0 : std::max<int64_t>(dit.codebook_size, 1));
  json("enable_part_embedding", dit.codebook_size > 0);
  visit_image_attention(dit, json);
  std::vector<int64_t> global_blocks;
  for (int64_t block = 0; block < dit.num_layers; ++block) {
    if (dit.is_global(block)) {
      global_blocks.push_back(block);
    }
  }
  json("global_attn_block_ids", global_blocks);
  if (moc) {
    JsonWriter moca;
    visit_moca(dit, moca);
    json("moca", moca.json);
  }
  return json.json;
}

OrderedJson json_of(const image_encoder::ImageEncoderConfig& config) {
  JsonWriter json{{{"architectures", {"Dinov2Model"}}, {"model_type", "dinov2"}}};
  visit_image_encoder(config, json);
  json("image_size", config.position_grid * config.patch_size);
  json("hidden_act", "gelu");
  json("layerscale_value", 1.0);
  json(kExportedBy, "moca");
  return json.json;
}

OrderedJson json_of(const flow::ScheduleConfig& config) {
  JsonWriter json{{{"_class_name", "RectifiedFlowScheduler"}}};
  visit_schedule(config, json);
  return json.json;
}

OrderedJson json_of(const image_encoder::PreprocessConfig& config) {
  JsonWriter json{{{"image_processor_type", "BitImageProcessor"}}};
  visit_preprocessor(config, json);
  json.json["size"] = {{"shortest_edge", config.shortest_edge}};
  json.json["crop_size"] = {{"height", config.crop_height}, {"width", config.crop_width}};
  return json.json;
}

}  // namespace moca::pretrained
