#include "moca/pretrained/sampling_description.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "moca/core/file_io.h"
#include "moca/pretrained/hugging_face_folder.h"
#include "moca/pretrained/write_pretrained.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_models.h"

namespace moca::pretrained {
namespace {

using dit::GlobalAttentionKind;
using Json = nlohmann::json;
using testing::refusal;

void write_tiny_dit(const std::filesystem::path& folder, GlobalAttentionKind kind) {
  auto config = testing::tiny_dit_config();
  config.global_attention = kind;
  config.codebook_size = kind == GlobalAttentionKind::kNone ? 0 : 8;
  write_dit(folder, dit::MocaDit(config, 4, dit::ConditionKinds{{"image", 16}}), 4, 16);
}

Json index_of(const std::filesystem::path& folder) {
  return Json::parse(read_file(folder / kModelIndex));
}

TEST(SamplingDescription, IsReadAgainAsItWasWritten) {
  const testing::TemporaryFolder folder;
  write_tiny_dit(folder.path(), GlobalAttentionKind::kDense);
  SamplingDescription written;
  written.settings = {{"sampler.num_steps", "50"},
                      {"sampler.guidance_scale", "0.1"},
                      {"some.list", "[1,2]"},
                      {"some.flag", "true"},
                      {"training.precision", "bf16"}};
  written.preprocessing = Preprocessing::kDinov2;
  write_model_index(folder.path(), written);
  const auto read = read_sampling(folder.path());
  ASSERT_TRUE(read.has_value());
  auto sorted = written.settings;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(read->settings, sorted);
  EXPECT_EQ(read->component_ids, generation::ComponentIds::kDrawn);
  EXPECT_EQ(read->preprocessing, Preprocessing::kDinov2);
}

TEST(SamplingDescription, OfPublicWeightsIsNone) {
  const testing::TemporaryFolder folder;
  EXPECT_FALSE(read_sampling(folder.path()).has_value());
  write_tiny_dit(folder.path(), GlobalAttentionKind::kDense);
  const auto config = folder / "transformer/config.json";
  auto json = Json::parse(read_file(config));
  json.erase("_exported_by");
  write_file(config, json.dump());
  EXPECT_FALSE(read_sampling(folder.path()).has_value());
}

TEST(SamplingDescription, AnUnknownEntryIsNamed) {
  const testing::TemporaryFolder folder;
  write_tiny_dit(folder.path(), GlobalAttentionKind::kMoc);
  write_model_index(folder.path(), SamplingDescription());
  auto index = index_of(folder.path());
  index["_sampling"]["componet_ids"] = "drawn";
  write_file(folder / kModelIndex, index.dump());
  ::testing::internal::CaptureStderr();
  EXPECT_TRUE(read_sampling(folder.path()).has_value());
  const auto log = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("model_index.json: _sampling.componet_ids is unknown and ignored"),
            std::string::npos)
      << log;
}

TEST(SamplingDescription, OfAnExportThatLacksItIsRefused) {
  for (const auto kind : {GlobalAttentionKind::kMoc, GlobalAttentionKind::kDense}) {
    const testing::TemporaryFolder folder;
    write_tiny_dit(folder.path(), kind);
    const auto expect_missing = [&](const std::string& what) {
      const auto message = refusal([&] { read_sampling(folder.path()); });
      EXPECT_NE(message.find("model_index.json: " + what), std::string::npos) << message;
    };
    expect_missing("_sampling is missing");  // without the file
    write_model_index(folder.path());
    expect_missing("_sampling is missing");
    write_model_index(folder.path(), SamplingDescription());
    auto index = index_of(folder.path());
    index["_sampling"]["component_ids"] = "counted";
    write_file(folder / kModelIndex, index.dump());
    expect_missing("_sampling.component_ids is \"counted\". It must be one of");
    index["_sampling"].erase("component_ids");
    write_file(folder / kModelIndex, index.dump());
    expect_missing("_sampling.component_ids is missing");
  }
}

TEST(ModelIndex, NamesTheModulesThatHaveTheClasses) {
  const auto classes = [](GlobalAttentionKind kind) {
    const testing::TemporaryFolder folder;
    write_tiny_dit(folder.path(), kind);
    write_vae(folder.path(), testing::tiny_vae(), vae::LatentStatistics(4));
    write_scheduler(folder.path(), {});
    write_model_index(folder.path());
    return index_of(folder.path());
  };
  const auto dense = classes(GlobalAttentionKind::kDense);
  EXPECT_EQ(dense, Json::parse(R"({
      "_class_name": "PartCrafterPipeline",
      "vae": ["src.models.autoencoders.autoencoder_kl_triposg", "TripoSGVAEModel"],
      "transformer": ["src.models.transformers.partcrafter_transformer", "PartCrafterDiTModel"],
      "scheduler": ["src.schedulers.scheduling_rectified_flow", "RectifiedFlowScheduler"]})"));
  const auto none = classes(GlobalAttentionKind::kNone);
  EXPECT_EQ(none["_class_name"], "TripoSGPipeline");
  EXPECT_EQ(none["transformer"],
            Json({"triposg.models.transformers.triposg_transformer", "TripoSGDiTModel"}));
}

TEST(ModelIndex, NamesAClassThatUpstreamLacksForAMocaDit) {
  const testing::TemporaryFolder folder;
  write_tiny_dit(folder.path(), GlobalAttentionKind::kMoc);
  write_model_index(folder.path());
  EXPECT_EQ(index_of(folder.path())["transformer"][1], "MocaDiTModel");
  EXPECT_EQ(Json::parse(read_file(folder / "transformer/config.json"))["_class_name"],
            "MocaDiTModel");
}

}  // namespace
}  // namespace moca::pretrained
