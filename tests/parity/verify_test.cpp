#include "moca/parity/verify.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "moca/checkpoint/safetensors.h"
#include "moca/core/file_io.h"
#include "tests/support/fixture.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca::parity {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

using NameAndOrigin = std::tuple<const char*, std::string>;

class EveryFixture : public ::testing::TestWithParam<NameAndOrigin> {};

TEST_P(EveryFixture, AgreesWithItsReference) {
  const auto& [name, origin] = GetParam();
  const auto file = testing::fixture_file(name, origin);
  if (testing::may_skip(file, origin)) {
    GTEST_SKIP() << "no fixture at " << file;
  }
  const auto verification = verify_fixture(file);
  EXPECT_FALSE(verification.comparisons.empty());
  EXPECT_TRUE(verification.passed()) << table_of(verification);
}

INSTANTIATE_TEST_SUITE_P(
    Verify, EveryFixture,
    ::testing::Combine(::testing::Values("dino_preprocess", "dinov2", "dit_partcrafter",
                                         "dit_triposg", "extraction", "fps", "ops",
                                         "partcrafter_sampler", "prepare_rgba", "scheduler",
                                         "vae_decoder", "vae_encoder", "vae_full"),
                       testing::both_origins()),
    [](const ::testing::TestParamInfo<NameAndOrigin>& info) {
      return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
    });

// A fixture made here: kind fps with one set of points, whose answer is known by hand.
class OwnFixture : public ::testing::Test {
 protected:
  void write(const checkpoint::NamedTensors& tensors, const std::string& description) {
    checkpoint::write_safetensors(folder_ / "own.safetensors", tensors);
    write_file(folder_ / "own.json", description);
  }
  checkpoint::NamedTensors line_of_points(const std::vector<int64_t>& indices) const {
    return {{"inputs/0/points", at::tensor({0.0, 1.0, 5.0, 2.0}, at::kFloat).view({4, 1})},
            {"outputs/0/indices", at::tensor(indices, at::kLong)}};
  }
  static constexpr const char* kDescription =
      R"({"kind": "fps", "cases": [{"deg": [4], "ratio": 0.75}]})";

  Verification verify() const { return verify_fixture(folder_ / "own.safetensors"); }

  TemporaryFolder folder_;
};

TEST_F(OwnFixture, PassesWhereWeAgree) {
  write(line_of_points({0, 2, 3}), kDescription);
  EXPECT_TRUE(verify().passed()) << table_of(verify());
}

TEST_F(OwnFixture, IsFoundByItsJsonToo) {
  write(line_of_points({0, 2, 3}), kDescription);
  EXPECT_TRUE(verify_fixture(folder_ / "own.json").passed());
}

TEST_F(OwnFixture, FailsWhereOneIndexDiffers) {
  write(line_of_points({0, 2, 1}), kDescription);
  const auto verification = verify();
  EXPECT_FALSE(verification.passed());
  ASSERT_EQ(verification.comparisons.size(), 1U);
  EXPECT_EQ(verification.comparisons[0].error, 2.0);
  EXPECT_NE(table_of(verification).find("FAIL"), std::string::npos);
}

TEST_F(OwnFixture, FailsWhereTheShapeDiffers) {
  write(line_of_points({0, 2}), kDescription);
  const auto verification = verify();
  EXPECT_FALSE(verification.passed());
  EXPECT_EQ(verification.comparisons[0].note, "shape [3], the reference is [2]");
}

TEST_F(OwnFixture, FailsForAnOutputThatNothingIsComparedWith) {
  auto tensors = line_of_points({0, 2, 3});
  tensors.emplace_back("outputs/surprise", at::zeros({1}));
  write(tensors, kDescription);
  const auto verification = verify();
  EXPECT_FALSE(verification.passed());
  const auto& last = verification.comparisons.back();
  EXPECT_EQ(last.output, "surprise");
  EXPECT_EQ(last.note, "nothing is compared with it");
}

TEST_F(OwnFixture, OfAnUnknownKindIsRefusedWithTheKnownOnes) {
  write(line_of_points({0, 2, 3}), R"({"kind": "fpss"})");
  const auto message = testing::refusal([&] { verify(); });
  EXPECT_NE(message.find("kind 'fpss' is unknown. Known kinds: dino_preprocess"), std::string::npos)
      << message;
}

TEST_F(OwnFixture, WithoutItsDescriptionOrWithABrokenOneIsRefused) {
  checkpoint::write_safetensors(folder_ / "own.safetensors", line_of_points({0}));
  EXPECT_NE(testing::refusal([&] { verify(); }).find("own.json"), std::string::npos);
  write_file(folder_ / "own.json", "[1, 2");
  EXPECT_NE(testing::refusal([&] { verify(); }).find("not JSON"), std::string::npos);
  write_file(folder_ / "own.json", R"({"kind": "fps", "cases": [{"ratio": 0.5}]})");
  EXPECT_NE(testing::refusal([&] { verify(); }).find("own.json"), std::string::npos);
}

// A copy of a golden fixture with one tensor of it multiplied.
class ChangedFixture : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ChangedFixture, FailsAfterOneWeightChanges) {
  const auto& [name, tensor] = GetParam();
  const auto source = testing::fixture_file(name, "golden");
  const TemporaryFolder folder;
  const checkpoint::SafetensorsFile file(source);
  checkpoint::NamedTensors tensors;
  ASSERT_TRUE(file.contains(tensor));
  for (const auto& [key, entry] : file.entries()) {
    tensors.emplace_back(key, key == tensor ? file.read(key) * 1.01 : file.read(key));
  }
  checkpoint::write_safetensors(folder / "changed.safetensors", tensors);
  fs::copy_file(fs::path(source).replace_extension(".json"), folder / "changed.json");
  EXPECT_FALSE(verify_fixture(folder / "changed.safetensors").passed());
}

INSTANTIATE_TEST_SUITE_P(
    Verify, ChangedFixture,
    ::testing::Values(std::pair{"vae_decoder", "decoder.blocks.0.attn1.to_k.weight"},
                      std::pair{"vae_encoder", "encoder.blocks.1.norm3.bias"},
                      std::pair{"dit_triposg", "blocks.4.skip_norm.weight"},
                      std::pair{"dit_partcrafter", "part_embedding.weight"},
                      std::pair{"dinov2", "encoder.layer.1.layer_scale2.lambda1"}),
    [](const auto& info) { return std::string(info.param.first); });

}  // namespace
}  // namespace moca::parity
