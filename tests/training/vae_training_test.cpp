// The VAE stage: what its loss is made of, and that it learns.
#include "moca/training/vae_training.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

#include "moca/training/trainer.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/tiny_stages.h"

namespace moca::training {
namespace {

class VaeLoss : public testing::WithTinyDataset {
 protected:
  VaeLoss() {
    config_.num_query_points = 16;
    config_.kl_weight = 0;
    batches_.rule.batch_size = 2;
    batches_.rule.num_micro_batches = batches_.share.num_micro_batches = 2;
    batches_.num_threads = 1;
    batches_.seed = 3;
  }

  std::vector<double> losses(const vae::VecsetVae& vae, const std::vector<MicroBatch>& chosen) {
    const torch::NoGradGuard no_grad;
    const auto stage = vae_stage(vae, dataset_, config_, batches_);
    std::vector<double> all;
    for (const auto batch : chosen) {
      all.push_back(stage->loss(batch).item<double>());
    }
    return all;
  }

  VaeTrainingConfig config_;
  BatchSetup batches_;
};

// Of a VAE whose field is `value` everywhere.
class LossOfAFieldThatIsInsideEverywhere : public VaeLoss {
 protected:
  // The first step sees every component once, at so many query points that the share of those
  // outside is that of the stored points.
  double loss_of_all_components(double value) {
    auto vae = testing::tiny_vae();
    {
      const torch::NoGradGuard no_grad;
      auto weights = vae->named_parameters();
      weights["decoder.proj_out.weight"].zero_();
      weights["decoder.proj_out.bias"].fill_(-value);  // the field is minus this layer's output
    }
    batches_.rule.num_micro_batches = batches_.share.num_micro_batches = 1;
    batches_.rule.batch_size = num_components();
    config_.num_query_points = 4000;
    return losses(vae, {{0, 0}})[0];
  }

  static int64_t num_components() {
    int64_t count = 0;
    for (const int64_t asset : dataset_->indices_of("train")) {
      count += dataset_->records()[asset].num_components();
    }
    return count;
  }

  static double share_outside() {
    double sum = 0;
    for (const int64_t asset : dataset_->indices_of("train")) {
      for (int64_t i = 0; i < dataset_->records()[asset].num_components(); ++i) {
        const auto outside = dataset_->queries(asset, i).distances <= 0;
        sum += outside.to(at::kDouble).mean().item<double>();
      }
    }
    return sum / static_cast<double>(num_components());
  }
};

TEST_F(LossOfAFieldThatIsInsideEverywhere, IsThatOfTheOccupancyOfPointsOutside) {
  config_.target = FieldTarget::kOccupancy;
  ASSERT_GT(share_outside(), 0.55) << "a loss of the wrong sign would be the same";
  const double right = std::log1p(std::exp(-2.0)), wrong = std::log1p(std::exp(2.0));
  const double expected = right + share_outside() * (wrong - right);
  EXPECT_NEAR(loss_of_all_components(2.0), expected, 0.03);
}

TEST_F(LossOfAFieldThatIsInsideEverywhere, IsThatOfTheDistanceOfPointsOutside) {
  config_.truncation = 1e-7;  // every distance is clipped to +-1
  ASSERT_GT(share_outside(), 0.55) << "a loss of the wrong sign would be the same";
  EXPECT_NEAR(loss_of_all_components(1.0), 4.0 * share_outside(), 0.06);
}

// The loss of a VAE to which all surfaces, all query points and all distances are the same: only
// the posterior's noise is left to make a difference between two micro-batches.
class LossOfNoiseAlone : public VaeLoss {
 protected:
  std::vector<double> losses_at_log_variance(double log_variance,
                                             const std::vector<MicroBatch>& chosen) {
    auto vae = testing::tiny_vae_of_posterior(log_variance);
    {
      const torch::NoGradGuard no_grad;
      vae->named_parameters()["decoder.proj_query.weight"].zero_();
    }
    config_.truncation = 1e12;
    return losses(vae, chosen);
  }
};

TEST_F(LossOfNoiseAlone, IsOfASampleOfThePosteriorThatIsDrawnAnewInEveryMicroBatch) {
  const std::vector<MicroBatch> chosen = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}};
  const auto narrow = losses_at_log_variance(-30.0, chosen);
  const auto wide = losses_at_log_variance(2.0, chosen);
  for (size_t i = 0; i < chosen.size(); ++i) {
    EXPECT_NEAR(narrow[i], narrow[0], 1e-5 * narrow[0]) << "something else than noise differs";
    EXPECT_GT(std::abs(wide[i] - narrow[i]), 1e-3 * narrow[0]) << "the mean was decoded";
    for (size_t j = 0; j < i; ++j) {
      EXPECT_GT(std::abs(wide[i] - wide[j]), 1e-3 * narrow[0])
          << "micro-batches " << i << " and " << j << " have the same noise";
    }
  }
  EXPECT_EQ(losses_at_log_variance(2.0, {{1, 0}})[0], wide[2]);
}

class VaeTraining : public TinyStages {};

TEST_F(VaeTraining, LossDependsOnTheStepAlone) {
  expect_losses_of_the_step_alone(*make_vae_stage(), *make_vae_stage());
}

TEST_F(VaeTraining, EveryParameterOfTheVaeLearns) {
  const auto stage = make_vae_stage();
  stage->loss({0}).backward();
  for (const auto& item : stage->model().named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0.0) << item.key();
  }
}

TEST_F(VaeTraining, TheVaeLearnsTheFieldOfAFewComponents) {
  const testing::TemporaryFolder run;
  TrainingConfig config;
  config.max_steps = 150;
  config.precision = Precision::kFp32;
  config.optimizer.warmup_steps = 2;
  config.optimizer.learning_rate = 1e-3;
  const auto stage = make_vae_stage();
  const auto mean_loss = [&] {
    const torch::NoGradGuard no_grad;
    double sum = 0;
    for (int64_t step = 1000; step < 1010; ++step) {
      sum += stage->loss({step}).item<double>() / 10;
    }
    return sum;
  };
  const double before = mean_loss();
  distributed::ProcessGroup alone;
  Trainer(*stage, config, {alone, at::kCPU, run.path()}).train();
  EXPECT_LT(mean_loss(), 0.7 * before);
}

TEST_F(VaeTraining, TheVaeTellsTheTwoPartsOfItsLoss) {
  const auto stage = make_vae_stage();
  distributed::ProcessGroup alone;
  const double loss = stage->loss({0}).item<double>();
  const auto measured = stage->take_measurements(alone);
  ASSERT_EQ(measured.size(), 2U);
  EXPECT_NEAR(measured[0].second + vae_config().kl_weight * measured[1].second, loss, 1e-6);
}

// The loss of a VAE whose field is 0 everywhere.
class ConstantField : public TinyStages {
 protected:
  static double loss_of(const VaeTrainingConfig& config) {
    const torch::NoGradGuard no_grad;
    auto vae = testing::tiny_vae();
    for (const auto& item : vae->named_parameters()) {
      if (item.key().find("decoder.proj_out") == 0) {
        item.value().zero_();
      }
    }
    return make_vae_stage(vae, config)->loss({0}).item<double>();
  }
};

TEST_F(ConstantField, IsAFairCoinForOccupancy) {
  auto config = vae_config();
  config.kl_weight = 0;
  config.target = FieldTarget::kOccupancy;
  EXPECT_NEAR(loss_of(config), std::log(2.0), 1e-6);
}

TEST_F(ConstantField, IsOffByOneWhereDistancesAreClippedHard) {
  auto config = vae_config();
  config.kl_weight = 0;
  config.truncation = 1e-7;  // every distance is clipped to +-1
  EXPECT_NEAR(loss_of(config), 1.0, 1e-6);
  config.truncation = 0.1;  // those near the surface are smaller
  EXPECT_LT(loss_of(config), 1.0);
  config.truncation = 100;  // none is clipped
  EXPECT_LT(loss_of(config), 1e-3);
}

TEST_F(ConstantField, ThePosteriorsDivergenceCountsByItsWeight) {
  auto config = vae_config();
  const auto with_weight = [&](double weight) {
    config.kl_weight = weight;
    return loss_of(config);
  };
  const double once = with_weight(1) - with_weight(0);
  EXPECT_GT(once, 0.0);
  EXPECT_NEAR(with_weight(3) - with_weight(0), 3 * once, 1e-5);
}

}  // namespace
}  // namespace moca::training
