#include "moca/checkpoint/module_state.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <string>

#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::checkpoint {
namespace {

using testing::bit_equal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryFolder;

// A linear layer of 3 to 2 and the file it is loaded from.
class ModuleState : public ::testing::Test {
 protected:
  Weights file(const NamedTensors& tensors) {
    write_safetensors(folder_ / "m.safetensors", tensors);
    return Weights(folder_ / "m.safetensors");
  }

  // The refusal of loading the tensors; the module must be untouched.
  std::string refused(const NamedTensors& tensors, const LoadRules& rules = {}) {
    const auto weight = module_->weight.clone(), bias = module_->bias.clone();
    const auto weights = file(tensors);
    const auto message = testing::refusal([&] { load_state(*module_, weights, rules); });
    EXPECT_TRUE(bit_equal(module_->weight, weight)) << "a refused file changed the module";
    EXPECT_TRUE(bit_equal(module_->bias, bias)) << "a refused file changed the module";
    EXPECT_THAT(message, HasSubstr("m.safetensors: "));
    return message;
  }

  const at::Tensor weight_ = at::randn({2, 3}), bias_ = at::randn({2});
  torch::nn::Linear module_{3, 2};

 private:
  TemporaryFolder folder_;
};

TEST_F(ModuleState, LoadsWhatItSaved) {
  torch::nn::BatchNorm1d saved(4), loaded(4);  // has buffers, one of them an integer
  saved->running_mean.fill_(3);
  saved->num_batches_tracked.fill_(7);
  const auto report = load_state(*loaded, file(state_of(*saved)));
  EXPECT_TRUE(bit_equal(loaded->running_mean, saved->running_mean));
  EXPECT_TRUE(bit_equal(loaded->num_batches_tracked, saved->num_batches_tracked));
  EXPECT_THAT(report.loaded,
              ElementsAre("bias", "num_batches_tracked", "running_mean", "running_var", "weight"));
  EXPECT_THAT(report.fresh, IsEmpty());
  EXPECT_THAT(report.refused, IsEmpty());
}

TEST_F(ModuleState, ConvertsFloatingPointTypesBothWays) {
  module_->to(at::kBFloat16);
  load_state(*module_, file({{"weight", weight_}, {"bias", bias_}}));
  EXPECT_TRUE(bit_equal(module_->weight, weight_.to(at::kBFloat16)));
  module_->to(at::kFloat);
  load_state(*module_, file({{"weight", weight_.to(at::kBFloat16)}, {"bias", bias_}}));
  EXPECT_TRUE(bit_equal(module_->weight, weight_.to(at::kBFloat16).to(at::kFloat)));
  EXPECT_TRUE(module_->weight.requires_grad());
}

TEST_F(ModuleState, PicksAPartOfAFileByItsPrefix) {
  const auto report =
      load_state(*module_, file({{"a.weight", weight_}, {"a.bias", bias_}, {"b.gain", bias_}}),
                 {"a.", {}, {}, {}});
  EXPECT_TRUE(bit_equal(module_->weight, weight_));
  EXPECT_THAT(report.loaded, ElementsAre("bias", "weight"));
  EXPECT_THAT(report.refused, IsEmpty());
}

TEST_F(ModuleState, RenamesAndTellsWhatIsFreshAndRefused) {
  LoadRules rules;
  rules.prefix = "a.";
  rules.renamed = {{"w", "weight"}};
  rules.fresh = {"bi"};
  rules.unused = {"mask_"};
  const auto bias = module_->bias.clone();
  const auto report =
      load_state(*module_, file({{"a.w", weight_}, {"a.mask_token", at::full({1}, NAN)}}), rules);
  EXPECT_TRUE(bit_equal(module_->weight, weight_));
  EXPECT_TRUE(bit_equal(module_->bias, bias));
  EXPECT_THAT(report.loaded, ElementsAre("weight"));
  EXPECT_THAT(report.fresh, ElementsAre("bias"));
  EXPECT_THAT(report.refused, ElementsAre("a.mask_token"));
}

TEST_F(ModuleState, LoadsAFreshTensorThatTheFileHas) {
  LoadRules rules;
  rules.fresh = {""};
  const auto report = load_state(*module_, file({{"bias", bias_}}), rules);
  EXPECT_TRUE(bit_equal(module_->bias, bias_));
  EXPECT_THAT(report.fresh, ElementsAre("weight"));
}

TEST_F(ModuleState, NamesAMissingTensor) {
  EXPECT_THAT(refused({{"weight", weight_}}), HasSubstr("m.safetensors: 'bias' [2] is missing. "));
  EXPECT_THAT(refused({{"a.weight", weight_}}, {"a.", {{"offset", "bias"}}, {}, {}}),
              HasSubstr("'a.offset' (the model's 'bias') [2] is missing"));
}

TEST_F(ModuleState, NamesAnUnexpectedTensor) {
  EXPECT_THAT(refused({{"weight", weight_}, {"bias", bias_}, {"gain", at::zeros({1})}}),
              HasSubstr("'gain' [1] has no place in the model"));
}

TEST_F(ModuleState, NamesBothShapes) {
  EXPECT_THAT(refused({{"weight", at::zeros({2, 4})}, {"bias", bias_}}),
              HasSubstr("'weight' has the shape [2, 4], the model expects [2, 3]"));
}

TEST_F(ModuleState, NamesBothTypes) {
  EXPECT_THAT(refused({{"weight", at::ones({2, 3}, at::kLong)}, {"bias", bias_}}),
              HasSubstr("'weight' holds I64, the model expects F32"));
}

TEST_F(ModuleState, CountsTheOtherMistakes) {
  EXPECT_THAT(refused({{"gain", at::zeros({1})}}), HasSubstr("model (and 2 more mistakes)"));
}

TEST_F(ModuleState, RefusesTwoTensorsForOnePlace) {
  EXPECT_THAT(refused({{"weight", weight_}, {"bias", bias_}, {"w", weight_}},
                      {"", {{"w", "weight"}}, {}, {}}),
              HasSubstr("'weight' and 'w' have one place in the model, 'weight'"));
}

TEST_F(ModuleState, RefusesNanAndInfinity) {
  auto damaged = bias_.clone();
  damaged[1] = NAN;
  EXPECT_THAT(refused({{"weight", weight_}, {"bias", damaged}}),
              HasSubstr("'bias' [2] holds NaN at its element 1"));
  damaged[1] = INFINITY;
  EXPECT_THAT(refused({{"weight", weight_}, {"bias", damaged}}),
              HasSubstr("'bias' [2] holds infinity at its element 1"));
}

}  // namespace
}  // namespace moca::checkpoint
