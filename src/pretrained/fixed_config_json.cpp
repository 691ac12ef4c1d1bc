// The configs whose names and meanings are upstream's alone, as JSON.
#include <nlohmann/json.hpp>

#include "moca/pretrained/hugging_face_config.h"

namespace moca::pretrained {

using OrderedJson = nlohmann::ordered_json;

OrderedJson json_of(const image_encoder::ImageEncoderConfig& config) {
  return {{"architectures", {"Dinov2Model"}},
          {"model_type", "dinov2"},
          {"hidden_size", config.width},
          {"num_hidden_layers", config.num_layers},
          {"num_attention_heads", config.num_heads},
          {"mlp_ratio", config.mlp_ratio},
          {"hidden_act", "gelu"},
          {"layer_norm_eps", config.norm_epsilon},
          {"image_size", config.position_grid * config.patch_size},
          {"patch_size", config.patch_size},
          {"num_channels", config.num_channels},
          {"qkv_bias", config.query_key_value_bias},
          {"layerscale_value", 1.0},
          {"use_swiglu_ffn", config.gated_mlp},
          {kExportedBy, "moca"}};
}

OrderedJson json_of(const flow::ScheduleConfig& config) {
  return {{"_class_name", "RectifiedFlowScheduler"},
          {"num_train_timesteps", config.num_train_timesteps},
          {"shift", config.shift},
          {"use_dynamic_shifting", config.use_dynamic_shifting}};
}

OrderedJson json_of(const image_encoder::PreprocessConfig& config) {
  return {{"image_processor_type", "BitImageProcessor"},
          {"do_resize", config.do_resize},
          {"size", {{"shortest_edge", config.shortest_edge}}},
          {"resample", 3},
          {"do_center_crop", config.do_center_crop},
          {"crop_size", {{"height", config.crop_height}, {"width", config.crop_width}}},
          {"do_rescale", config.do_rescale},
          {"rescale_factor", config.rescale_factor},
          {"do_normalize", config.do_normalize},
          {"image_mean", config.image_mean},
          {"image_std", config.image_std},
          {"do_convert_rgb", true}};
}

}  // namespace moca::pretrained
