// Several processes that train one model.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <csignal>
#include <thread>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/weights.h"
#include "moca/checkpoint/write_checkpoint.h"
#include "moca/core/file_io.h"
#include "moca/core/interrupt.h"
#include "moca/training/dit_training.h"
#include "moca/training/trainer.h"
#include "tests/support/ranks.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"
#include "tests/training/toy_stage.h"

namespace moca::training {
namespace {

namespace fs = std::filesystem;
using distributed::ProcessGroup;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::run_ranks;

std::string name_of(StopReason reason) {
  switch (reason) {
    case StopReason::kFinished:
      return "finished";
    case StopReason::kInterrupted:
      return "interrupted";
    case StopReason::kOutOfTime:
      return "out of time";
  }
  return "";
}

// Everything a run leaves but the time it took.
std::string result_of(const fs::path& run, int64_t step) {
  std::string bytes;
  const auto folder = checkpoint::step_folder(run / "checkpoints", step);
  for (const char* name : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
    bytes += read_file(folder / name);
  }
  std::istringstream metrics(read_file(run / "metrics.jsonl"));
  for (std::string line; std::getline(metrics, line);) {
    bytes += line.substr(0, line.find(",\"minutes\""));
  }
  return bytes;
}

class DistributedTraining : public ::testing::Test {
 protected:
  // The answers of all ranks of one start.
  std::vector<testing::RankResult> train(
      const std::string& run, int world_size, const TrainingConfig& config, bool resume = false,
      const std::function<ToyStage::Change(ProcessGroup&)>& change = nullptr) const {
    fs::create_directories(folder_ / run);
    return run_ranks(
        world_size,
        [&](ProcessGroup& group) {
          ToyStage toy(change ? change(group) : nullptr, config.micro_batches);
          Trainer trainer(toy, config, {group, at::kCPU, folder_ / run});
          if (resume) {
            trainer.resume();
          }
          return name_of(trainer.train());
        },
        std::chrono::seconds(20));
  }

  testing::TemporaryFolder folder_;
};

TrainingConfig six_micro_batches() {
  auto config = toy_training();
  config.micro_batches = 6;
  config.checkpoint_every = 2;
  return config;
}

TEST_F(DistributedTraining, AnotherNumberOfRanksGoesOnWithTheSameData) {
  const auto config = six_micro_batches();
  train("whole", 1, config);
  auto half = config;
  half.max_steps = 4;
  for (const auto& [before, after] : {std::pair(2, 1), std::pair(1, 3), std::pair(3, 2)}) {
    const auto run = std::to_string(before) + "_to_" + std::to_string(after);
    train(run, before, half);
    for (const auto& result : train(run, after, config, /*resume=*/true)) {
      EXPECT_EQ(result.text, "finished");
    }
    const auto weights = [&](const std::string& of) {
      return checkpoint::SafetensorsFile(checkpoint::step_folder(folder_ / of / "checkpoints", 8) /
                                         "model.safetensors")
          .read("weight");
    };
    EXPECT_TRUE(testing::all_close(weights(run), weights("whole"), 1e-6)) << run;
  }
}

TEST_F(DistributedTraining, ASignalToOneRankStopsAllWithOneCheckpoint) {
  for (const int signal : {SIGTERM, SIGUSR1}) {
    const auto run = "signal_" + std::to_string(signal);
    const auto results = train(run, 2, six_micro_batches(), false, [&](ProcessGroup& group) {
      catch_interrupts();
      return [&group, signal](MicroBatch batch, const at::Tensor& loss) {
        if (group.rank() == 1 && batch == MicroBatch{4, 1}) {
          std::raise(signal);
        }
        return loss;
      };
    });
    EXPECT_EQ(results[0].text, "interrupted");
    EXPECT_EQ(results[1].text, "interrupted");
    EXPECT_EQ(checkpoint::latest_good_step(folder_ / run / "checkpoints"), 4);
    train(run, 2, six_micro_batches(), /*resume=*/true);
    train("whole", 2, six_micro_batches());
    EXPECT_EQ(result_of(folder_ / run, 8), result_of(folder_ / "whole", 8))
        << "stopped between two micro-batches of a step";
  }
}

TEST_F(DistributedTraining, ALossThatIsNotFiniteOnOneRankIsSkippedByAll) {
  const auto results = train("nan", 2, six_micro_batches(), false, [](ProcessGroup&) {
    return [](MicroBatch batch, const at::Tensor& loss) {
      return batch == MicroBatch{3, 1} ? loss * std::nan("") : loss;
    };
  });
  EXPECT_EQ(results[0].text, "finished");
  EXPECT_EQ(results[1].text, "finished");
  const auto metrics = read_file(folder_ / "nan" / "metrics.jsonl");
  EXPECT_THAT(metrics, HasSubstr("{\"step\":4,\"loss\":null"));
  EXPECT_THAT(metrics, ::testing::Not(HasSubstr("{\"step\":5,\"loss\":null")));
}

TEST_F(DistributedTraining, ARankThatDiesEndsTheOthersAndTheRunIsContinued) {
  const auto results = train("killed", 2, six_micro_batches(), false, [](ProcessGroup& group) {
    return [&group](MicroBatch batch, const at::Tensor& loss) {
      if (group.rank() == 1 && batch.step == 5) {
        std::raise(SIGKILL);
      }
      return loss;
    };
  });
  EXPECT_EQ(results[1].code, -SIGKILL);
  EXPECT_TRUE(results[0].threw) << "ended with " << results[0].code;
  EXPECT_THAT(results[0].text, AllOf(HasSubstr("rank 0 of 2"), HasSubstr("another rank ended")));
  train("killed", 2, six_micro_batches(), /*resume=*/true);
  train("whole", 2, six_micro_batches());
  EXPECT_EQ(result_of(folder_ / "killed", 8), result_of(folder_ / "whole", 8));
}

TEST_F(DistributedTraining, ARankThatHangsEndsTheRunAndIsNamed) {
  auto config = six_micro_batches();
  config.hang_seconds = 1;
  const auto results = train("hangs", 2, config, false, [](ProcessGroup& group) {
    return [&group](MicroBatch batch, const at::Tensor& loss) {
      std::this_thread::sleep_for(
          std::chrono::seconds(group.rank() == 1 && batch.step == 2 ? 30 : 0));
      return loss;
    };
  });
  EXPECT_EQ(results[1].code, 3);
  EXPECT_TRUE(fs::exists(folder_ / "hangs" / "hang_rank_1.json"));
}

TEST_F(DistributedTraining, AShardedOptimizerGivesTheSameBitsAndAnyNumberOfRanksResumesIt) {
  auto config = six_micro_batches();
  train("whole", 2, config);
  const auto tensors = [&](const std::string& run) {
    std::string text;
    const auto folder = checkpoint::step_folder(folder_ / run / "checkpoints", 8);
    for (const char* name : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
      const checkpoint::Weights weights(checkpoint::weights_file(folder, name));
      for (const auto& [key, entry] : weights.entries()) {
        const auto tensor = weights.read(key);
        text +=
            key + std::string(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
      }
    }
    return text;
  };
  config.shard_optimizer = true;
  for (const auto& result : train("sharded", 2, config)) {
    EXPECT_EQ(result.text, "finished");
  }
  EXPECT_EQ(tensors("sharded"), tensors("whole"));
  EXPECT_TRUE(fs::exists(checkpoint::step_folder(folder_ / "sharded/checkpoints", 8) /
                         "optimizer-00002-of-00002.safetensors"));
  // Stopped, and gone on with by other numbers of ranks, sharded and not.
  auto half = config;
  half.max_steps = 4;
  train("stopped", 2, half);
  train("stopped", 2, config, /*resume=*/true);
  EXPECT_EQ(tensors("stopped"), tensors("whole"));
  train("three", 2, half);
  for (const auto& result : train("three", 3, config, /*resume=*/true)) {
    EXPECT_EQ(result.text, "finished") << result.text;
  }
  train("one", 2, half);
  config.shard_optimizer = false;
  EXPECT_EQ(train("one", 1, config, /*resume=*/true)[0].text, "finished");
}

// A run against one that was stopped half way and resumed: ranks, micro-batches of a rank.
class ExactResume : public testing::WithTinyDataset,
                    public ::testing::WithParamInterface<std::tuple<int, int>> {
 protected:
  struct Cell {
    bool activation_checkpointing = false;
    Precision precision = Precision::kFp32;
    double ema_decay = 0;
  };

  static std::unique_ptr<Stage> make_dit_stage(const ProcessGroup& group,
                                               const TrainingConfig& config, const Cell& cell) {
    DitTrainingSetup setup;
    setup.vae = testing::tiny_vae();
    setup.dataset = dataset_;
    setup.config.activation_checkpointing = cell.activation_checkpointing;
    setup.config.num_cached_encodings = 1;
    setup.batches.rule = {config.micro_batches, 1, 0};
    setup.batches.share = share_of(group.rank(), group.size(), config);
    setup.batches.num_threads = 1;
    setup.batches.seed = 3;
    torch::manual_seed(2);
    setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(),
                                                   testing::tiny_image_encoder_config(), 4);
    return dit_stage(setup);
  }

  static void train(const fs::path& run, const TrainingConfig& config, const Cell& cell,
                    bool resume) {
    fs::create_directories(run);
    const auto results = run_ranks(std::get<0>(GetParam()), [&](ProcessGroup& group) {
      const auto stage = make_dit_stage(group, config, cell);
      Trainer trainer(*stage, config, {group, at::kCPU, run});
      if (resume) {
        trainer.resume();
      }
      return name_of(trainer.train());
    });
    for (const auto& result : results) {
      EXPECT_EQ(result.text, "finished");
    }
  }

  static void expect_equal_bits(const Cell& cell) {
    const testing::TemporaryFolder folder;
    auto config = toy_training();
    config.max_steps = 4;
    config.micro_batches = std::get<0>(GetParam()) * std::get<1>(GetParam());
    config.precision = cell.precision;
    config.ema_decay = cell.ema_decay;
    train(folder / "whole", config, cell, false);
    auto half = config;
    half.max_steps = 2;
    train(folder / "stopped", half, cell, false);
    train(folder / "stopped", config, cell, true);
    EXPECT_EQ(result_of(folder / "stopped", 4), result_of(folder / "whole", 4))
        << (cell.activation_checkpointing ? "activation checkpointing, " : "")
        << (cell.precision == Precision::kBf16 ? "bf16, " : "fp32, ")
        << (cell.ema_decay > 0 ? "averaged" : "not averaged");
  }
};

TEST_P(ExactResume, IsTheUninterruptedRunBitForBit) {
  for (const bool activation_checkpointing : {false, true}) {
    for (const auto precision : {Precision::kFp32, Precision::kBf16}) {
      for (const double ema_decay : {0.0, 0.9}) {
        expect_equal_bits({activation_checkpointing, precision, ema_decay});
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(RanksAndMicroBatches, ExactResume,
                         ::testing::Combine(::testing::Values(1, 2, 3), ::testing::Values(1, 3)),
                         [](const auto& test) {
                           return std::to_string(std::get<0>(test.param)) + "_ranks_" +
                                  std::to_string(std::get<1>(test.param)) + "_micro_batches";
                         });

}  // namespace
}  // namespace moca::training
