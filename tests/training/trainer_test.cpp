#include "moca/training/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/data/prepare.h"
#include "moca/training/dit_training.h"
#include "moca/training/vae_training.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::training {
namespace {

using testing::bit_equal;
using testing::TemporaryFolder;

TrainingConfig tiny_training(Precision precision) {
  TrainingConfig config;
  config.max_steps = 8;
  config.batch_size = 4;
  config.precision = precision;
  config.checkpoint_every = 4;
  config.log_every = 1;
  config.ema_decay = 0.9;
  config.optimizer.warmup_steps = 2;
  config.optimizer.learning_rate = 1e-3;
  return config;
}

vae::VecsetVae tiny_vae() {
  torch::manual_seed(1);
  return vae::VecsetVae(testing::tiny_vae_config());
}

TrainingTask tiny_vae_task(const TemporaryFolder& folder) {
  VaeTrainingConfig config;
  config.num_surface_points = 32;
  config.num_query_points = 16;
  const auto dataset = std::make_shared<const data::PreparedDataset>(folder / "dataset");
  return vae_training(tiny_vae(), dataset, config, 4, 3);
}

TrainingTask tiny_dit_task(const TemporaryFolder& folder) {
  DitTrainingSetup setup;
  setup.vae = tiny_vae();
  setup.dataset = std::make_shared<const data::PreparedDataset>(folder / "dataset");
  setup.config.num_cached_encodings = 2;
  setup.num_surface_points = 32;
  setup.batch_size = 2;
  setup.seed = 3;
  torch::manual_seed(2);
  setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(),
                                                 testing::tiny_image_encoder_config(), 4);
  return dit_training(setup);
}

using MakeTask = TrainingTask (*)(const TemporaryFolder&);

class Resume : public ::testing::TestWithParam<std::tuple<MakeTask, Precision>> {};

TEST_P(Resume, ContinuesToTheSameBitsAsARunThatWasNeverStopped) {
  const auto [make_task, precision] = GetParam();
  at::set_num_threads(1);
  const TemporaryFolder folder;
  data::prepare_dataset(testing::tiny_data_config(folder), "");
  auto config = tiny_training(precision);

  Trainer whole(make_task(folder), config, at::kCPU, folder / "whole");
  std::filesystem::create_directories(folder / "whole");
  EXPECT_EQ(whole.train(), StopReason::kFinished);

  std::filesystem::create_directories(folder / "stopped");
  auto half = config;
  half.max_steps = 5;
  half.optimizer.schedule = config.optimizer.schedule;
  Trainer first(make_task(folder), half, at::kCPU, folder / "stopped");
  first.train();
  Trainer second(make_task(folder), config, at::kCPU, folder / "stopped");
  second.resume();
  EXPECT_EQ(second.train(), StopReason::kFinished);

  for (const char* name : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
    const auto path = [&](const char* run) {
      return checkpoint::step_folder(folder / run / "checkpoints", 8) / name;
    };
    const checkpoint::SafetensorsFile expected(path("whole")), actual(path("stopped"));
    ASSERT_EQ(actual.entries().size(), expected.entries().size());
    for (const auto& [key, entry] : expected.entries()) {
      EXPECT_TRUE(bit_equal(actual.read(key), expected.read(key))) << name << ": " << key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stages, Resume,
                         ::testing::Combine(::testing::Values(&tiny_vae_task, &tiny_dit_task),
                                            ::testing::Values(Precision::kFp32, Precision::kBf16)));

TEST(Trainer, LearnsTheFieldOfAFewComponents) {
  const TemporaryFolder folder;
  data::prepare_dataset(testing::tiny_data_config(folder), "");
  auto config = tiny_training(Precision::kFp32);
  config.max_steps = 150;
  config.checkpoint_every = 1000;
  auto task = tiny_vae_task(folder);
  const auto mean_loss = [&] {
    const torch::NoGradGuard no_grad;
    double sum = 0;
    for (int64_t step = 1000; step < 1010; ++step) {
      sum += task.loss(step).item<double>() / 10;
    }
    return sum;
  };
  const double before = mean_loss();
  std::filesystem::create_directories(folder / "run");
  Trainer(task, config, at::kCPU, folder / "run").train();
  EXPECT_LT(mean_loss(), 0.7 * before);
}

TEST(Trainer, SkipsAStepWhoseLossIsNotFiniteAndStopsAfterTenInARow) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "run");
  auto vae = tiny_vae();
  const auto before = vae->parameters()[0].clone();
  const TrainingTask task{vae.ptr(), [vae](int64_t) {
                            return vae->parameters()[0].sum() *
                                   std::numeric_limits<double>::quiet_NaN();
                          }};
  auto config = tiny_training(Precision::kFp32);
  config.max_steps = 100;
  config.checkpoint_every = 1000;
  Trainer trainer(task, config, at::kCPU, folder / "run");
  EXPECT_THROW(trainer.train(), Error);
  EXPECT_TRUE(bit_equal(vae->parameters()[0], before));
}

TEST(Trainer, StopsAtTheTimeLimitWithACheckpoint) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "run");
  auto vae = tiny_vae();
  const TrainingTask task{vae.ptr(),
                          [vae](int64_t) { return vae->parameters()[0].square().sum(); }};
  auto config = tiny_training(Precision::kFp32);
  config.max_steps = 100000000;
  config.max_minutes = 0.01;
  Trainer trainer(task, config, at::kCPU, folder / "run");
  EXPECT_EQ(trainer.train(), StopReason::kOutOfTime);
  EXPECT_TRUE(checkpoint::latest_step(folder / "run/checkpoints").has_value());
}

TEST(Trainer, RefusesToResumeWhereNothingIs) {
  const TemporaryFolder folder;
  auto vae = tiny_vae();
  Trainer trainer({vae.ptr(), nullptr}, tiny_training(Precision::kFp32), at::kCPU, folder / "run");
  EXPECT_THROW(trainer.resume(), Error);
}

TEST(MetricsLog, DropsTheLinesOfStepsThatAreDoneAgain) {
  const TemporaryFolder folder;
  const auto file = folder / "metrics.jsonl";
  {
    MetricsLog log(file, 0);
    for (int64_t step = 1; step <= 4; ++step) {
      log.record(step, {{"loss", 0.5 * static_cast<double>(step)}});
    }
  }
  write_file(file, read_file(file) + "{\"step\": 5, \"lo");  // cut by a kill
  MetricsLog(file, 2).record(3, {{"loss", std::nan("")}});
  EXPECT_EQ(read_file(file),
            "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":1.0}\n{\"step\":3,\"loss\":null}\n");
}

}  // namespace
}  // namespace moca::training
