#include "moca/pretrained/hugging_face_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "moca/config/schema.h"
#include "moca/core/file_io.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_models.h"

namespace moca::pretrained {
namespace {

using Json = nlohmann::json;
using testing::refusal;

const char* const kFile = "folder/config.json";

DitDescription dit_of(const char* text) {
  const auto json = Json::parse(text);
  return read_dit_config(kFile, &json);
}
VaeDescription vae_of(const char* text) {
  const auto json = Json::parse(text);
  return read_vae_config(kFile, &json);
}

TEST(HuggingFaceConfig, OfTripoSgsVaeIsOurDefault) {
  const auto description = vae_of(
      R"({"_class_name": "Tripo2VAEModel", "in_channels": 3, "latent_channels": 64,
          "num_attention_heads": 8, "width_encoder": 512, "width_decoder": 1024,
          "num_layers_encoder": 8, "num_layers_decoder": 16, "embedding_type": "frequency",
          "embed_frequency": 8, "embed_include_pi": false})");
  EXPECT_EQ(config::dump(description.vae), config::dump(vae::VaeConfig{}));
  EXPECT_TRUE(description.latents_mean.empty());
}

TEST(HuggingFaceConfig, OfAVaeMayHoldTheStatisticsOfItsLatents) {
  const auto description =
      vae_of(R"({"latent_channels": 2, "latents_mean": [1, 2], "latents_std": [0.5, 4]})");
  EXPECT_EQ(description.latents_mean, (std::vector<double>{1, 2}));
  EXPECT_EQ(description.latents_std, (std::vector<double>{0.5, 4}));
}

TEST(HuggingFaceConfig, AnUnknownKeyIsWarnedAboutOnceHoweverOftenTheFileIsRead) {
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) {
    dit_of(R"({"num_layers": 6, "some_new_option": 1})");
  }
  const auto log = ::testing::internal::GetCapturedStderr();
  const auto warning = log.find("folder/config.json: some_new_option is unknown and ignored");
  EXPECT_NE(warning, std::string::npos) << log;
  EXPECT_EQ(log.find("some_new_option", warning + 30), std::string::npos) << log;
}

TEST(HuggingFaceConfig, OfTripoSgsDitHasNothingBetweenComponents) {
  const auto description = dit_of(
      R"({"num_attention_heads": 16, "width": 2048, "in_channels": 64, "num_layers": 21,
          "cross_attention_dim": 1024})");
  EXPECT_EQ(description.dit.global_attention, dit::GlobalAttentionKind::kNone);
  EXPECT_EQ(description.dit.codebook_size, 0);
  EXPECT_EQ(description.latent_channels, 64);
  EXPECT_EQ(description.image_width, 1024);
}

TEST(HuggingFaceConfig, OfPartCraftersDitIsTheDenseBaseline) {
  const auto description = dit_of(
      R"({"num_layers": 6, "max_num_parts": 32, "global_attn_block_ids": [0, 3],
          "enable_local_cross_attn": false})");
  EXPECT_EQ(description.dit.global_attention, dit::GlobalAttentionKind::kDense);
  EXPECT_EQ(description.dit.codebook_size, 32);
  EXPECT_EQ(description.dit.global_blocks, (std::vector<int64_t>{0, 3}));
  EXPECT_FALSE(description.dit.local_image_attention);
  EXPECT_TRUE(description.dit.global_image_attention);
}

TEST(HuggingFaceConfig, TakesARangeOfGlobalBlocksWhereNoListIsGiven) {
  const auto range = R"({"num_layers": 6, "global_attn_block_ids": null,
                         "global_attn_block_id_range": [2, 4]})";
  EXPECT_EQ(dit_of(range).dit.global_blocks, (std::vector<int64_t>{2, 3, 4}));
  const auto both = R"({"num_layers": 6, "global_attn_block_ids": [1],
                        "global_attn_block_id_range": [2, 4]})";
  EXPECT_EQ(dit_of(both).dit.global_blocks, std::vector<int64_t>{1});
  const auto neither = R"({"num_layers": 6, "max_num_parts": 4})";
  EXPECT_EQ(dit_of(neither).dit.global_attention, dit::GlobalAttentionKind::kNone);
}

TEST(HuggingFaceConfig, OfDinov2GivesThePositionGrid) {
  const Json json = {{"hidden_size", 1024},
                     {"num_hidden_layers", 24},
                     {"num_attention_heads", 16},
                     {"image_size", 518},
                     {"patch_size", 14}};
  const auto config = read_image_encoder_config(kFile, &json);
  EXPECT_EQ(config.position_grid, 37);
  EXPECT_EQ(config.width, 1024);
}

TEST(HuggingFaceConfig, IsReadAgainAsItWasWritten) {
  const auto again = [](const Json& written, auto read) { return json_of(read(kFile, &written)); };
  VaeDescription vae{testing::tiny_vae_config(), {}, {}, "a"};
  EXPECT_EQ(again(json_of(vae), read_vae_config), json_of(vae));
  for (const auto kind : {dit::GlobalAttentionKind::kMoc, dit::GlobalAttentionKind::kDense,
                          dit::GlobalAttentionKind::kNone}) {
    DitDescription dit{testing::tiny_dit_config(), 4, 16};
    dit.dit.global_attention = kind;
    dit.dit.router.activation = ops::RouterActivation::kSoftmax;
    dit.dit.router.sampling = ops::RouterSampling::kLogits;
    dit.dit.router.gate_compressed = false;
    EXPECT_EQ(again(json_of(dit), read_dit_config), json_of(dit));
  }
  auto encoder = testing::tiny_image_encoder_config();
  encoder.gated_mlp = true;
  encoder.query_key_value_bias = false;
  EXPECT_EQ(again(json_of(encoder), read_image_encoder_config), json_of(encoder));
  flow::ScheduleConfig schedule;
  schedule.shift = 3;
  EXPECT_EQ(again(json_of(schedule), read_scheduler_config), json_of(schedule));
  image_encoder::PreprocessConfig preprocess;
  preprocess.shortest_edge = 64;
  preprocess.crop_height = 40;
  EXPECT_EQ(again(json_of(preprocess), read_preprocessor_config), json_of(preprocess));
}

// `read`: from JSON to what it describes. Every key alone, then every key of the object `inside`.
template <class Read>
void expect_no_silent_default(const Json& whole, const Read& read, const char* inside = nullptr) {
  const auto described = json_of(read(whole)).dump();
  const auto& keys = inside == nullptr ? whole : whole.at(inside);
  for (const auto& [key, value] : keys.items()) {
    auto less = whole;
    (inside == nullptr ? less : less.at(inside)).erase(key);
    std::string without;
    const auto message = refusal([&] { without = json_of(read(less)).dump(); });
    if (message == "accepted") {
      EXPECT_EQ(without, described) << key << " is missing, and the model is another one";
    } else if (key != "moca") {
      EXPECT_NE(message.find(key + " is missing"), std::string::npos) << message;
    }
  }
}

TEST(HuggingFaceConfig, OfAnExportWithAMissingKeyIsRefusedOrTheSame) {
  VaeDescription vae;
  vae.vae = testing::tiny_vae_config();
  const auto read_vae = [](const Json& json) { return read_vae_config(kFile, &json); };
  expect_no_silent_default(json_of(vae), read_vae);

  const auto read_dit = [](const Json& json) { return read_dit_config(kFile, &json); };
  DitDescription dit;
  dit.dit = testing::tiny_dit_config();
  dit.dit.codebook_size = 7;
  dit.dit.num_compressed_tokens = 3;
  dit.dit.local_image_attention = false;
  dit.dit.router = {1,
                    ops::RouterActivation::kSoftmax,
                    ops::GateTarget::kValue,
                    false,
                    false,
                    ops::RouterSampling::kLogits,
                    false};
  expect_no_silent_default(json_of(dit), read_dit);
  expect_no_silent_default(json_of(dit), read_dit, "moca");
  dit.dit.global_attention = dit::GlobalAttentionKind::kDense;
  dit.dit.router = {};
  expect_no_silent_default(json_of(dit), read_dit);

  const auto read_encoder = [](const Json& json) {
    return read_image_encoder_config(kFile, &json);
  };
  expect_no_silent_default(json_of(testing::tiny_image_encoder_config()), read_encoder);
}

TEST(HuggingFaceConfig, MistakesNameFileKeyValueAndRule) {
  const auto width = refusal([] { dit_of(R"({"width": 2048.5})"); });
  EXPECT_EQ(width,
            "folder/config.json: width is 2048.5. It must be a whole number from 2 to "
            "65536.");
  const std::vector<std::pair<const char*, const char*>> mistakes = {
      {R"({"width": 100000000})", "width is 100000000"},
      {R"({"width": "wide"})", "width is \"wide\""},
      {R"({"width": 30, "num_attention_heads": 4})",
       "It must be a multiple of num_attention_heads"},
      {R"({"num_layers": 0})", "num_layers is 0"},
      {R"({"num_layers": 100000})", "num_layers is 100000"},
      {R"({"use_cross_attention_2": true})", "Only false is supported"},
      {R"({"num_layers": 3, "global_attn_block_ids": [0, 3]})", "whole numbers from 0 to 2"},
      {R"({"num_layers": 3, "global_attn_block_id_range": [2, 1]})", "[first, last]"},
      {R"({"enable_part_embedding": 1})", "true or false"},
      {R"({"moca": {"num_compressed_tokens": 0}})", "moca.num_compressed_tokens is 0"},
      {R"({"moca": {"gate_target": "keys"}})", "moca.gate_target is \"keys\""},
  };
  for (const auto& [text, part] : mistakes) {
    const auto message = refusal([text = text] { dit_of(text); });
    EXPECT_NE(message.find(part), std::string::npos) << text << " gave " << message;
  }
  EXPECT_NE(refusal([] { vae_of(R"({"embedding_type": "fourier"})"); }).find("Only \"frequency\""),
            std::string::npos);
  EXPECT_NE(refusal([] {
              vae_of(R"({"latent_channels": 4, "latents_mean": [1, 2]})");
            }).find("must have latent_channels (4) numbers"),
            std::string::npos);
}

TEST(HuggingFaceConfig, FileThatIsNoObjectIsRefused) {
  const testing::TemporaryFolder folder;
  const auto read = [&](const std::string& text) {
    write_file(folder / "config.json", text);
    return refusal([&] { read_dit_config(folder / "config.json"); });
  };
  EXPECT_NE(read("").find("not JSON"), std::string::npos);
  EXPECT_NE(read("{\"width\": 1").find("not JSON"), std::string::npos);
  EXPECT_NE(read("[1, 2]").find("expected a JSON object"), std::string::npos);
  EXPECT_NE(read(std::string(100000, '[')).find("nested deeper"), std::string::npos);
  EXPECT_NE(refusal([&] { read_dit_config(folder / "none.json"); }).find("none.json"),
            std::string::npos);
}

}  // namespace
}  // namespace moca::pretrained
