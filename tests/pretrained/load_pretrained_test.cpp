#include "moca/pretrained/load_pretrained.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/optim/adamw.h>
#include <torch/types.h>

#include <limits>

#include "moca/checkpoint/module_state.h"
#include "moca/core/file_io.h"
#include "moca/core/generator.h"
#include "moca/nn/default_type.h"
#include "moca/pretrained/hugging_face_folder.h"
#include "moca/pretrained/write_pretrained.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"

namespace moca::pretrained {
namespace {

using dit::DitConfig;
using dit::GlobalAttentionKind;
using dit::MocaDit;
using testing::bit_equal;
using testing::refusal;
using testing::TemporaryFolder;

constexpr int64_t kC = 4, kImageWidth = 16, kL = 6;

DitConfig config_of(GlobalAttentionKind kind, int64_t codebook_size) {
  auto config = testing::tiny_dit_config();
  config.global_attention = kind;
  config.codebook_size = codebook_size;
  return config;
}

MocaDit make_dit(const DitConfig& config, uint64_t seed) {
  torch::manual_seed(seed);
  MocaDit dit(config, kC, dit::ConditionKinds{{"image", kImageWidth}});
  dit->eval();
  return dit;
}

dit::DitInput input_of(int64_t B, int64_t N) {
  auto generator = generator_for(5, "pretrained test");
  const auto draw = [&](at::IntArrayRef sizes) {
    return at::randn(sizes, generator, at::TensorOptions());
  };
  dit::DitInput input;
  input.noisy_latents = draw({B, N, kL, kC});
  input.noise_level = at::rand({B}, generator, at::TensorOptions());
  input.conditions = {{.name = "image", .tokens = draw({B, 3, kImageWidth})}};
  input.component_ids = at::arange(N, at::kLong).expand({B, N});
  input.component_mask = at::ones({B, N}, at::kBool);
  return input;
}

::testing::AssertionResult same_state(const torch::nn::Module& a, const torch::nn::Module& b) {
  const auto left = checkpoint::state_of(a);
  const auto right = checkpoint::state_of(b);
  if (left.size() != right.size()) {
    return ::testing::AssertionFailure() << left.size() << " tensors and " << right.size();
  }
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].first != right[i].first || !at::equal(left[i].second, right[i].second)) {
      return ::testing::AssertionFailure() << left[i].first << " and " << right[i].first;
    }
  }
  return ::testing::AssertionSuccess();
}

TEST(LoadPretrained, GivesBackEveryPartToTheBit) {
  const TemporaryFolder folder;
  auto vae = testing::tiny_vae(1);
  write_vae(folder.path(), vae, vae::LatentStatistics(kC));
  auto other_vae = testing::tiny_vae(2);
  ASSERT_FALSE(same_state(*vae, *other_vae));
  load_vae_weights(other_vae, folder.path());
  EXPECT_TRUE(same_state(*vae, *other_vae));

  for (const auto kind :
       {GlobalAttentionKind::kMoc, GlobalAttentionKind::kDense, GlobalAttentionKind::kNone}) {
    const TemporaryFolder dit_folder;
    const auto config = config_of(kind, kind == GlobalAttentionKind::kNone ? 0 : 8);
    auto dit = make_dit(config, 3);
    write_dit(dit_folder.path(), dit, kC, kImageWidth);
    auto other_dit = make_dit(config, 4);
    load_dit_weights(other_dit, dit_folder.path());
    EXPECT_TRUE(same_state(*dit, *other_dit));
  }

  torch::manual_seed(5);
  image_encoder::ImageEncoder encoder(testing::tiny_image_encoder_config());
  write_image_encoder(folder.path(), encoder);
  image_encoder::ImageEncoder other_encoder(testing::tiny_image_encoder_config());
  load_image_encoder_weights(other_encoder, folder.path());
  EXPECT_TRUE(same_state(*encoder, *other_encoder));
}

TEST(LoadPretrained, ReadsShardsAndAPartsOwnFolder) {
  const TemporaryFolder folder;
  auto vae = testing::tiny_vae(1);
  write_vae(folder.path(), vae, vae::LatentStatistics(kC));
  checkpoint::write_weights(weights_file(folder / "vae"), checkpoint::state_of(*vae), 4096);
  EXPECT_EQ(weights_file(folder / "vae").filename(),
            "diffusion_pytorch_model.safetensors.index.json");
  auto other = testing::tiny_vae(2);
  load_vae_weights(other, folder / "vae");
  EXPECT_TRUE(same_state(*vae, *other));
}

TEST(LoadPretrained, WrittenVelocityIsTheReferencesLatentsMinusNoise) {
  const TemporaryFolder folder;
  auto dit = make_dit(config_of(GlobalAttentionKind::kDense, 8), 1);
  write_dit(folder.path(), dit, kC, kImageWidth);
  const checkpoint::Weights weights(weights_file(folder / "transformer"));
  EXPECT_TRUE(
      bit_equal(weights.read("proj_out.weight"), -dit->named_parameters()["proj_out.weight"]));
  EXPECT_TRUE(weights.contains("part_embedding.weight"));
  EXPECT_FALSE(weights.contains("component_embedding.weight"));
}

TEST(LoadPretrained, AMocaDitFromTripoSgWithoutIdsIsTripoSgForOneComponent) {
  const torch::NoGradGuard no_grad;
  const TemporaryFolder folder;
  auto triposg = make_dit(config_of(GlobalAttentionKind::kNone, 0), 1);
  write_dit(folder.path(), triposg, kC, kImageWidth);
  auto moca = make_dit(config_of(GlobalAttentionKind::kMoc, 8), 2);
  load_dit_weights(moca, folder.path());
  moca->named_parameters()["component_embedding.weight"].zero_();
  const auto input = input_of(3, 1);
  EXPECT_TRUE(testing::all_close(moca(input), triposg(input), 1e-6));
}

TEST(LoadPretrained, PartCraftersTableBecomesTheCodebookWhereItFits) {
  const TemporaryFolder folder;
  auto partcrafter = make_dit(config_of(GlobalAttentionKind::kDense, 8), 1);
  write_dit(folder.path(), partcrafter, kC, kImageWidth);
  const auto table = partcrafter->named_parameters()["component_embedding.weight"];
  auto fitting = make_dit(config_of(GlobalAttentionKind::kMoc, 8), 2);
  load_dit_weights(fitting, folder.path());
  EXPECT_TRUE(bit_equal(fitting->named_parameters()["component_embedding.weight"], table));
  auto larger = make_dit(config_of(GlobalAttentionKind::kMoc, 12), 2);
  const auto before = larger->named_parameters()["component_embedding.weight"].clone();
  load_dit_weights(larger, folder.path());
  EXPECT_TRUE(bit_equal(larger->named_parameters()["component_embedding.weight"], before));
}

at::Tensor queries_of(const MocaDit& dit) {
  return dit->named_parameters()["packing.compression_queries"];
}

// Stored with 3 compression queries, loaded into a model with `wanted`.
MocaDit with_queries(const MocaDit& stored, int64_t wanted) {
  const TemporaryFolder folder;
  write_dit(folder.path(), stored, kC, kImageWidth);
  auto config = stored->config();
  config.num_compressed_tokens = wanted;
  auto loaded = make_dit(config, 2);
  load_dit_weights(loaded, folder.path());
  return loaded;
}

MocaDit dit_with_three_queries() {
  auto config = config_of(GlobalAttentionKind::kMoc, 8);
  config.num_compressed_tokens = 3;
  config.router.num_selected = 1;
  return make_dit(config, 1);
}

TEST(LoadPretrained, AnotherNumberOfCompressionQueriesKeepsThoseItHasRoomForAndDrawsOthers) {
  const auto stored = dit_with_three_queries();
  for (const int64_t wanted : {2, 6}) {
    ::testing::internal::CaptureStderr();
    const auto loaded = with_queries(stored, wanted);
    const auto log = ::testing::internal::GetCapturedStderr();
    const auto queries = queries_of(loaded);
    const int64_t kept = std::min<int64_t>(wanted, 3);
    EXPECT_TRUE(bit_equal(queries.narrow(0, 0, kept), queries_of(stored).narrow(0, 0, kept)));
    for (int64_t i = 0; i < wanted; ++i) {
      for (int64_t j = 0; j < i; ++j) {
        EXPECT_GT((queries[i] - queries[j]).norm().item<double>(), 1.0) << i << ", " << j;
      }
    }
    EXPECT_TRUE(bit_equal(loaded->named_parameters()["packing.anchor_query"],
                          stored->named_parameters()["packing.anchor_query"]));
    EXPECT_NE(
        log.find(wanted == 6 ? "6 compression queries: 3 read, 3 drawn anew\n"
                             : "2 compression queries: 2 read, 1 more in the file left out\n"),
        std::string::npos)
        << log;
    EXPECT_NE(log.find("0 refused"), std::string::npos) << log;
  }
}

// A copy would get the gradient of its original, and go where that goes.
TEST(LoadPretrained, OldAndNewCompressionQueriesGoDifferentWaysInTraining) {
  auto dit = with_queries(dit_with_three_queries(), 6);
  const auto before = queries_of(dit).detach().clone();
  torch::optim::AdamW optimizer(dit->parameters(), torch::optim::AdamWOptions(1e-3));
  const auto input = input_of(2, 4);
  for (int step = 0; step < 20; ++step) {
    optimizer.zero_grad();
    dit(input).square().mean().backward();
    optimizer.step();
  }
  const auto moved = queries_of(dit).detach() - before;  // [6, D]
  for (int64_t i = 0; i < 6; ++i) {
    const double length = moved[i].norm().item<double>();
    EXPECT_GT(length, 0.0) << i;
    for (int64_t j = 0; j < i; ++j) {
      EXPECT_GT((moved[i] - moved[j]).norm().item<double>(), 0.1 * length) << i << ", " << j;
    }
  }
}

TEST(LoadPretrained, InflatesThePatchProjectionOfAThreeChannelEncoder) {
  const TemporaryFolder folder;
  auto config = testing::tiny_image_encoder_config();
  image_encoder::ImageEncoder rgb(config);
  write_image_encoder(folder.path(), rgb);
  config.num_channels = 7;
  const char* name = "embeddings.patch_embeddings.projection.weight";
  const auto stored = rgb->named_parameters()[name];
  image_encoder::ImageEncoder cloned(config);
  load_image_encoder_weights(cloned, folder.path(), image_encoder::Inflation::kClone);
  EXPECT_TRUE(bit_equal(cloned->named_parameters()[name].narrow(1, 3, 3), stored));
  EXPECT_TRUE(bit_equal(cloned->named_parameters()[name].select(1, 6), stored.select(1, 0)));
  image_encoder::ImageEncoder zeroed(config);
  load_image_encoder_weights(zeroed, folder.path(), image_encoder::Inflation::kZero);
  const torch::NoGradGuard no_grad;
  const auto picture = at::randn({1, 7, 16, 16});
  zeroed->eval();
  rgb->eval();
  EXPECT_TRUE(testing::all_close(zeroed(picture), rgb(picture.narrow(1, 0, 3)), 1e-6));
}

TEST(LoadPretrained, StripsThePrefixOfAnEncoderInsideALargerModel) {
  const TemporaryFolder folder;
  const auto config = testing::tiny_image_encoder_config();
  image_encoder::ImageEncoder encoder(config);
  checkpoint::NamedTensors prefixed;
  for (const auto& [name, tensor] : checkpoint::state_of(*encoder)) {
    if (name != "embeddings.mask_token") {  // not in every file
      prefixed.emplace_back("dinov2." + name, tensor);
    }
  }
  checkpoint::write_safetensors(folder / "model.safetensors", prefixed);
  image_encoder::ImageEncoder other(config);
  load_image_encoder_weights(other, checkpoint::Weights(folder / "model.safetensors"), {},
                             image_encoder::Inflation::kClone);
  EXPECT_TRUE(same_state(*encoder, *other));
}

TEST(LoadPretrained, HoldsFloatWeightsAsBf16WhereTheModuleDoes) {
  const TemporaryFolder folder;
  auto vae = testing::tiny_vae(1);
  write_vae(folder.path(), vae, vae::LatentStatistics(kC));
  const nn::DefaultType weights_in(at::kBFloat16);
  vae::VecsetVae half(testing::tiny_vae_config());
  load_vae_weights(half, folder.path());
  for (const auto& item : vae->named_parameters()) {
    EXPECT_TRUE(bit_equal(half->named_parameters()[item.key()], item.value().to(at::kBFloat16)))
        << item.key();
  }
  const torch::NoGradGuard no_grad;
  const auto latents = at::randn({1, 8, kC}, at::kFloat);
  const auto points = at::rand({1, 20, 3}, at::kFloat);
  const auto exact = vae->query_field(vae->decode(latents), points);
  EXPECT_TRUE(testing::all_close(half->query_field(half->decode(latents), points), exact, 0.05));
}

class BrokenFolder : public ::testing::Test {
 protected:
  BrokenFolder() { write_vae(folder_.path(), vae_, vae::LatentStatistics(kC)); }

  std::filesystem::path file() const {
    return folder_ / "vae" / "diffusion_pytorch_model.safetensors";
  }
  // Writes the weights again, changed.
  template <class Change>
  void rewrite(Change&& change) {
    checkpoint::NamedTensors tensors;
    for (const auto& [name, tensor] : checkpoint::state_of(*vae_)) {
      tensors.emplace_back(name, tensor.clone());
    }
    change(tensors);
    checkpoint::write_safetensors(file(), tensors);
  }
  // Loads into another VAE, which must stay as it was.
  std::string load() {
    auto target = testing::tiny_vae(9);
    const auto message = refusal([&] { load_vae_weights(target, folder_.path()); });
    EXPECT_TRUE(same_state(*target, *testing::tiny_vae(9)));
    return message;
  }
  void expect(const std::string& message, std::initializer_list<const char*> parts) {
    for (const char* part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }

  TemporaryFolder folder_;
  vae::VecsetVae vae_ = testing::tiny_vae(1);
};

TEST_F(BrokenFolder, MissingTensorIsNamed) {
  rewrite([](auto& tensors) { tensors.pop_back(); });
  expect(load(), {"diffusion_pytorch_model.safetensors", "decoder.proj_out.bias", "missing"});
}

TEST_F(BrokenFolder, UnexpectedTensorIsNamed) {
  rewrite([](auto& tensors) { tensors.emplace_back("decoder.extra", at::zeros({2})); });
  expect(load(), {"decoder.extra", "[2]"});
}

TEST_F(BrokenFolder, WrongShapeIsNamedWithBoth) {
  rewrite([](auto& tensors) { tensors.back().second = at::zeros({3}); });
  expect(load(), {"decoder.proj_out.bias", "[3]", "[1]"});
}

TEST_F(BrokenFolder, NanIsNamed) {
  rewrite(
      [](auto& tensors) { tensors.back().second.fill_(std::numeric_limits<float>::quiet_NaN()); });
  expect(load(), {"diffusion_pytorch_model.safetensors", "decoder.proj_out.bias"});
}

TEST_F(BrokenFolder, TruncatedFileIsNamed) {
  std::filesystem::resize_file(file(), std::filesystem::file_size(file()) - 4);
  expect(load(), {"diffusion_pytorch_model.safetensors"});
}

TEST_F(BrokenFolder, WithoutWeightsOrConfigOrAtAllSaysWhatBelongsThere) {
  std::filesystem::remove(file());
  expect(load(), {"holds no weights", "diffusion_pytorch_model.safetensors"});
  std::filesystem::remove(folder_ / "vae/config.json");
  expect(load(), {"vae/config.json", "Name a model folder"});
  std::filesystem::remove_all(folder_.path());
  expect(load(), {"no folder"});
}

TEST_F(BrokenFolder, ConfigOfOtherSizesThanTheWeightsIsRefusedBeforeAnythingIsMade) {
  const auto config = folder_ / "vae/config.json";
  const auto original = read_file(config);
  const auto describe_with = [&](const std::string& from, const std::string& to) {
    auto text = original;
    text.replace(text.find(from), from.size(), to);
    write_file(config, text);
    return refusal([&] { describe_vae(folder_.path()); });
  };
  expect(describe_with("\"width_decoder\": 16", "\"width_decoder\": 65536"),
         {"vae/config.json asks for 'post_quant.weight' [65536, 4]", "[16, 4]"});
  expect(describe_with("\"num_layers_encoder\": 1", "\"num_layers_encoder\": 1000"),
         {"asks for 1001 blocks", "has 2"});
  write_file(config, original);
  EXPECT_EQ(describe_vae(folder_.path()).vae.width_decoder, 16);
}

TEST_F(BrokenFolder, HeadsThatNoShapeShowsMustAgree) {
  auto config = testing::tiny_vae_config();
  config.num_heads = 4;
  vae::VecsetVae target(config);
  expect(refusal([&] { load_vae_weights(target, folder_.path()); }),
         {"vae.num_heads is 4", "says 2"});
}

}  // namespace
}  // namespace moca::pretrained
