// The training loop, on a task whose steps take microseconds.
#include "moca/training/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/write_checkpoint.h"
#include "moca/core/file_io.h"
#include "moca/core/interrupt.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/training/toy_task.h"

namespace moca::training {
namespace {

namespace fs = std::filesystem;
using testing::all_close;
using ::testing::AllOf;
using testing::bit_equal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::refusal;
using testing::TemporaryFolder;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The folder of one run.
class RunFolder {
 public:
  explicit RunFolder(const std::string& name = "run") : path_(folder_ / name) {
    fs::create_directories(path_);
  }
  const fs::path& path() const { return path_; }
  fs::path checkpoints() const { return path_ / "checkpoints"; }

  StopReason train(const TrainingTask& task, const TrainingConfig& config) const {
    distributed::ProcessGroup alone;
    return Trainer(task, config, {alone, at::kCPU, path_}).train();
  }
  StopReason resume(const TrainingTask& task, const TrainingConfig& config) const {
    distributed::ProcessGroup alone;
    Trainer trainer(task, config, {alone, at::kCPU, path_});
    trainer.resume();
    return trainer.train();
  }

  std::vector<std::string> names_of_checkpoints() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(checkpoints())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  // Writes the checkpoint of `step` anew, with another state.json.
  void change_state(const std::string& state_json, int64_t step) const {
    const auto folder = checkpoint::step_folder(checkpoints(), step);
    checkpoint::CheckpointContent content;
    content.state_json = state_json;
    for (const char* name : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
      const checkpoint::SafetensorsFile file(folder / name);
      for (const auto& [key, entry] : file.entries()) {
        content.whole[name].emplace_back(key, file.read(key));
      }
    }
    fs::remove_all(folder);
    checkpoint::write_checkpoint(checkpoints(), step, content, {100, 0});
  }

  std::vector<nlohmann::json> metrics() const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(read_file(path_ / "metrics.jsonl"));
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
  }
  std::vector<int64_t> steps_in_metrics() const {
    std::vector<int64_t> steps;
    for (const auto& line : metrics()) {
      steps.push_back(line.at("step"));
    }
    return steps;
  }

 private:
  TemporaryFolder folder_;
  fs::path path_;
};

// What a run says on its way.
std::string said_by(const std::function<void()>& run) {
  ::testing::internal::CaptureStderr();
  run();
  return ::testing::internal::GetCapturedStderr();
}

TEST(Trainer, LearnsWhatTheLossAsksFor) {
  const RunFolder run;
  const ToyTask toy;
  auto config = toy_training();
  config.max_steps = 400;
  config.optimizer.weight_decay = 0;
  EXPECT_EQ(run.train(toy.task(), config), StopReason::kFinished);
  EXPECT_TRUE(all_close(toy.model->weight, ToyTask::wanted_weight(), 0.01));
}

TEST(Trainer, StepsCountFromZeroAndEachIsTakenOnce) {
  const RunFolder run;
  const ToyTask toy;
  std::vector<int64_t> seen;
  run.train(toy.task([&](int64_t step, const at::Tensor& loss) {
    seen.push_back(step);
    return loss;
  }),
            toy_training());
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Trainer, ComputesTheLossInTrainingModeAndInTheConfigsPrecision) {
  for (const auto precision : {Precision::kFp32, Precision::kBf16}) {
    const RunFolder run;
    ToyTask toy;
    toy.model->eval();
    auto config = toy_training();
    config.precision = precision;
    run.train(toy.task([&](int64_t, const at::Tensor& loss) {
      EXPECT_TRUE(toy.model->is_training());
      EXPECT_EQ(at::autocast::is_autocast_enabled(at::kCPU), precision == Precision::kBf16);
      return loss;
    }),
              config);
    EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU)) << "left on after training";
    EXPECT_EQ(toy.model->weight.scalar_type(), at::kFloat);
  }
}

TEST(Trainer, RecordsEverySoManyStepsAndTheLastOne) {
  const RunFolder run;
  auto config = toy_training();
  config.max_steps = 7;
  config.log_every = 3;
  run.train(ToyTask().task(), config);
  EXPECT_THAT(run.steps_in_metrics(), ElementsAre(3, 6, 7));
}

TEST(Trainer, RecordsLossNormRateAndTimeOfEachStep) {
  const RunFolder run;
  const ToyTask toy;
  const auto config = toy_training();
  std::vector<double> losses;
  run.train(toy.task([&](int64_t, const at::Tensor& loss) {
    losses.push_back(loss.item<double>());
    return loss;
  }),
            config);
  const auto lines = run.metrics();
  ASSERT_EQ(lines.size(), losses.size());
  double minutes = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].size(), 7U);
    EXPECT_GT(lines[i].at("seconds_per_step"), 0.0);
    EXPECT_GT(lines[i].at("memory_gib"), 0.0);
    EXPECT_DOUBLE_EQ(lines[i].at("loss"), losses[i]);
    EXPECT_DOUBLE_EQ(lines[i].at("learning_rate"),
                     learning_rate_at(config.optimizer, static_cast<int64_t>(i), 8));
    EXPECT_GT(lines[i].at("gradient_norm"), 0.0);
    EXPECT_GE(lines[i].at("minutes"), minutes);
    minutes = lines[i].at("minutes");
  }
}

TEST(Trainer, RecordsItsSpeedInComponentsAndOperations) {
  const RunFolder run;
  auto task = ToyTask().task();
  task.num_components = [](MicroBatch) { return int64_t{5}; };
  task.flops = [](MicroBatch) { return 3e12; };
  auto config = toy_training();
  config.peak_tflops = 2e6;
  run.train(task, config);
  for (const auto& line : run.metrics()) {
    const double seconds = line.at("seconds_per_step");
    EXPECT_NEAR(line.at("components_per_second"), 5.0 / seconds, 1e-6 / seconds);
    EXPECT_NEAR(line.at("model_tflops_per_second"), 3.0 / seconds, 1e-6 / seconds);
    EXPECT_NEAR(line.at("model_flops_utilisation"), 3.0 / seconds / 2e6, 1e-9 / seconds);
  }
}

TEST(Trainer, RecordsHowLongItWaitsForData) {
  const RunFolder run;
  auto task = ToyTask().task();
  task.load = [](MicroBatch) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  run.train(task, toy_training());
  for (const auto& line : run.metrics()) {
    EXPECT_GT(line.at("data_wait_seconds"), 0.002);
    EXPECT_LE(line.at("data_wait_seconds"), line.at("seconds_per_step"));
  }
}

TEST(Trainer, WritesATraceOfTheStepsItIsAskedFor) {
  const RunFolder run;
  auto config = toy_training();
  config.profile_steps = 2;
  run.train(ToyTask().task(), config);
  const auto trace = nlohmann::json::parse(read_file(run.path() / "trace_rank_0.json"));
  int64_t updates = 0, losses = 0;
  for (const auto& event : trace.at("traceEvents")) {
    updates += event.value("name", "") == "aten::_fused_adamw_" ? 1 : 0;
    losses += event.value("name", "") == "aten::mse_loss" ? 1 : 0;
  }
  EXPECT_EQ(updates, 2);
  EXPECT_EQ(losses, 2);
}

TEST(Trainer, WritesCheckpointsAtTheIntervalAndAtTheEndAndKeepsTheNewest) {
  const RunFolder run;
  auto config = toy_training();
  config.max_steps = 10;
  config.checkpoint_every = 3;
  config.keep_checkpoints = 2;
  run.train(ToyTask().task(), config);
  EXPECT_THAT(run.names_of_checkpoints(),
              ::testing::UnorderedElementsAre("step_00000009", "step_00000010"));
}

TEST(Trainer, RemovesWhatAKilledRunLeftHalfWritten) {
  const RunFolder run;
  fs::create_directories(run.checkpoints() / ".unfinished_step_00000004");
  run.resume(ToyTask().task(), toy_training());
  EXPECT_FALSE(fs::exists(run.checkpoints() / ".unfinished_step_00000004"));
}

TEST(Trainer, ResumesFromAnyCheckpointToTheSameBits) {
  at::set_num_threads(1);
  auto config = toy_training();
  config.checkpoint_every = 1;
  config.optimizer.schedule = Schedule::kCosine;
  const RunFolder whole("whole");
  whole.train(ToyTask().task(), config);
  for (const int64_t stop : {1, 4, 7}) {
    const RunFolder run;
    run.train(ToyTask().task(), config);
    for (int64_t step = stop + 1; step <= config.max_steps; ++step) {
      fs::remove_all(checkpoint::step_folder(run.checkpoints(), step));  // as if killed there
    }
    EXPECT_EQ(run.resume(ToyTask().task(), config), StopReason::kFinished);
    for (const char* name : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
      const auto bytes = [&](const RunFolder& of) {
        return read_file(checkpoint::step_folder(of.checkpoints(), config.max_steps) / name);
      };
      EXPECT_EQ(bytes(run), bytes(whole)) << name << " after a stop at step " << stop;
    }
    EXPECT_THAT(run.steps_in_metrics(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8)) << stop;
  }
}

TEST(Trainer, ResumingAFinishedRunChangesNothing) {
  const RunFolder run;
  const auto config = toy_training();
  run.train(ToyTask().task(), config);
  const auto metrics = read_file(run.path() / "metrics.jsonl");
  const ToyTask untouched;
  EXPECT_EQ(run.resume(untouched.task([](int64_t step, const at::Tensor& loss) {
    ADD_FAILURE() << "step " << step << " was done again";
    return loss;
  }),
                       config),
            StopReason::kFinished);
  EXPECT_EQ(read_file(run.path() / "metrics.jsonl"), metrics);
}

TEST(Trainer, ResumingARunWithoutACheckpointStartsIt) {
  const RunFolder run;
  EXPECT_EQ(run.resume(ToyTask().task(), toy_training()), StopReason::kFinished);
  EXPECT_THAT(run.steps_in_metrics(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(Trainer, RefusesToResumeAnotherArchitecture) {
  const RunFolder run;
  run.train(ToyTask().task(), toy_training());
  auto other = ToyTask().task();
  other.model = torch::nn::Linear(5, 3).ptr();
  EXPECT_THAT(refusal([&] { run.resume(other, toy_training()); }),
              HasSubstr("The checkpoint is of another architecture"));
}

TEST(Trainer, ResumesFromTheOneBeforeWhenTheNewestCheckpointIsDamaged) {
  auto config = toy_training();
  config.checkpoint_every = 4;
  const RunFolder whole("whole");
  whole.train(ToyTask().task(), config);
  const auto last = checkpoint::step_folder(whole.checkpoints(), 8) / "model.safetensors";
  const RunFolder run;
  run.train(ToyTask().task(), config);
  write_file(checkpoint::step_folder(run.checkpoints(), 8) / "state.json", "{\"step\": 8}");
  EXPECT_EQ(run.resume(ToyTask().task(), config), StopReason::kFinished);
  EXPECT_EQ(read_file(checkpoint::step_folder(run.checkpoints(), 8) / "model.safetensors"),
            read_file(last));
  EXPECT_TRUE(fs::exists(run.checkpoints() / "damaged_step_00000008"));
}

TEST(Trainer, StopsAtTheTimeLimitWithACheckpoint) {
  const RunFolder run;
  auto config = toy_training();
  config.max_steps = 100000000;
  config.checkpoint_every = 100000000;
  config.log_every = 100000000;
  config.max_minutes = 0.005;
  EXPECT_EQ(run.train(ToyTask().task(), config), StopReason::kOutOfTime);
  EXPECT_TRUE(checkpoint::latest_good_step(run.checkpoints()).has_value());
}

TEST(Trainer, TheTimeOfTheRunItContinuesCounts) {
  const RunFolder run;
  auto config = toy_training();
  config.max_steps = 4;
  run.train(ToyTask().task(), config);
  run.change_state("{\"step\": 4, \"seconds\": 7200}", 4);
  config.max_steps = 8;
  config.max_minutes = 119;
  EXPECT_EQ(run.resume(ToyTask().task(), config), StopReason::kOutOfTime);
  config.max_minutes = 130;
  EXPECT_EQ(run.resume(ToyTask().task(), config), StopReason::kFinished);
  EXPECT_GE(run.metrics().back().at("minutes"), 120.0);
}

// Ctrl-C in the middle of step 3; the result is this process's exit code.
int interrupted_run() {
  const RunFolder run;
  catch_interrupts();
  auto config = toy_training();
  const ToyTask toy;
  const auto reason = run.train(toy.task([](int64_t step, const at::Tensor& loss) {
    if (step == 3) {
      std::raise(SIGINT);
    }
    return loss;
  }),
                                config);
  const bool usable = checkpoint::latest_good_step(run.checkpoints()) == 4;
  return reason == StopReason::kInterrupted && usable ? 0 : 1;
}

TEST(TrainerDeathTest, CtrlCFinishesTheStepAndLeavesACheckpoint) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(interrupted_run()), ::testing::ExitedWithCode(0), "");
}

// The loss of step 3 is spoilt by `spoil`; returns the metrics of the run.
std::vector<nlohmann::json> run_with_one_bad_step(double spoil, const ToyTask& toy) {
  const RunFolder run;
  EXPECT_EQ(run.train(toy.task([&](int64_t step, const at::Tensor& loss) {
    return step == 3 ? loss * spoil : loss;
  }),
                      toy_training()),
            StopReason::kFinished);
  return run.metrics();
}

TEST(Trainer, SkipsAStepWithoutAFiniteLossAndGoesOn) {
  for (const double spoil : {kInfinity, std::nan("")}) {
    const ToyTask toy;
    const auto lines = run_with_one_bad_step(spoil, toy);
    ASSERT_EQ(lines.size(), 8U);
    EXPECT_TRUE(lines[3].at("loss").is_null());
    EXPECT_TRUE(lines[4].at("loss").is_number());
    EXPECT_TRUE(at::isfinite(toy.model->weight).all().item<bool>());
  }
}

TEST(Trainer, SkipsAStepOnDataThatAreNotFinite) {
  for (const double spoil : {kInfinity, std::nan("")}) {
    const RunFolder run;
    const ToyTask toy;
    auto task = toy.task();
    task.loss = [model = toy.model, spoil](MicroBatch which) mutable {
      auto input = at::ones({2, 4});
      input[1][2] = which.step == 3 ? spoil : 1.0;
      return model(input).square().mean();
    };
    EXPECT_EQ(run.train(task, toy_training()), StopReason::kFinished);
    EXPECT_TRUE(run.metrics()[3].at("loss").is_null());
    EXPECT_TRUE(run.metrics()[4].at("loss").is_number());
  }
}

TEST(Trainer, SkipsAStepWithOneGradientThatIsNotFinite) {
  for (const double spoil : {kInfinity, std::nan("")}) {
    const RunFolder run;
    const ToyTask toy;
    bool spoils = false;
    toy.model->bias.register_hook([&spoils, spoil](const at::Tensor& gradient) {
      auto spoilt = gradient.clone();
      spoilt[1] = spoils ? spoil : gradient[1].item<double>();
      return spoilt;
    });
    const auto task = toy.task([&](int64_t step, const at::Tensor& loss) {
      spoils = step == 3;
      return loss;
    });
    EXPECT_EQ(run.train(task, toy_training()), StopReason::kFinished);
    EXPECT_TRUE(run.metrics()[3].at("loss").is_number()) << "the loss itself was finite";
    EXPECT_TRUE(run.metrics()[3].at("gradient_norm").is_null());
    EXPECT_TRUE(at::isfinite(toy.model->bias).all().item<bool>());
  }
}

TEST(Trainer, NamesTheDataOfABadGradientAndWhatFailsOutsideOfAStep) {
  const RunFolder run;
  const ToyTask toy;
  bool spoils = false;
  toy.model->bias.register_hook(
      [&spoils](const at::Tensor& gradient) { return spoils ? gradient * kInfinity : gradient; });
  auto task = toy.task([&](int64_t step, const at::Tensor& loss) {
    spoils = step == 3;
    return loss;
  });
  auto config = toy_training();
  EXPECT_THAT(said_by([&] { run.train(task, config); }),
              ::testing::ContainsRegex("step 3 skipped: loss .*, with toys of step 3"));
  task.validate = []() -> std::vector<std::pair<std::string, double>> { throw std::bad_alloc(); };
  config.validate_every = 5;
  const RunFolder other("other");
  std::string failure;
  try {
    other.train(task, config);
  } catch (const TrainingFailure& thrown) {
    failure = thrown.what();
  }
  EXPECT_THAT(failure, HasSubstr("rank 0, validation of step 5: out of memory"));
}

TEST(Trainer, DoesNotFollowAFiniteGradientOfALossThatIsNot) {
  const RunFolder run;
  const ToyTask toy;
  const auto before = toy.model->weight.detach().clone();
  auto config = toy_training();
  config.max_steps = 5;
  run.train(toy.task([](int64_t, const at::Tensor& loss) { return loss + kInfinity; }), config);
  EXPECT_TRUE(bit_equal(toy.model->weight, before));
}

TEST(Trainer, StopsAfterTenStepsInARowWithoutAFiniteLoss) {
  const RunFolder run;
  const ToyTask toy;
  auto config = toy_training();
  config.max_steps = 100;
  int64_t num_steps = 0;
  const auto task = toy.task([&](int64_t step, const at::Tensor& loss) {
    ++num_steps;
    return step == 4 ? loss
                     : loss * kInfinity;  // one good step among the bad starts the count anew
  });
  EXPECT_THAT(refusal([&] { run.train(task, config); }),
              AllOf(HasSubstr("stopped at step 15"), HasSubstr("not finite for 10 steps in a row"),
                    HasSubstr("with --resume training.optimizer.learning_rate=0.001"),
                    HasSubstr("the lines above name the assets")));
  EXPECT_EQ(num_steps, 15);
}

TEST(Trainer, SavesNoCheckpointAmongBadSteps) {
  const RunFolder run;
  auto config = toy_training();
  config.max_steps = 12;
  config.checkpoint_every = 2;
  const auto task = ToyTask().task([](int64_t step, const at::Tensor& loss) {
    return step >= 3 && step <= 6 ? loss * kInfinity : loss;
  });
  EXPECT_EQ(run.train(task, config), StopReason::kFinished);
  EXPECT_THAT(run.names_of_checkpoints(),
              ::testing::UnorderedElementsAre("step_00000002", "step_00000008", "step_00000010",
                                              "step_00000012"));
  const RunFolder ends_badly("ends_badly");
  config.max_steps = 100;
  EXPECT_THAT(refusal([&] {
                ends_badly.train(ToyTask().task([](int64_t step, const at::Tensor& loss) {
                  return step >= 3 ? loss * kInfinity : loss;
                }),
                                 config);
              }),
              HasSubstr("stopped at step 13"));
  EXPECT_THAT(ends_badly.names_of_checkpoints(), ElementsAre("step_00000002"));
}

TEST(Trainer, ContinuesAfterBadStepsByTheAdviceItGives) {
  const RunFolder run;
  auto config = toy_training();
  config.checkpoint_every = 2;
  config.max_steps = 30;
  // A loss that overflows wherever the learning rate is the given one.
  const auto task = [&](bool overflows) {
    return ToyTask().task([overflows](int64_t step, const at::Tensor& loss) {
      return overflows && step >= 4 ? loss * kInfinity : loss;
    });
  };
  EXPECT_THAT(refusal([&] { run.train(task(true), config); }),
              HasSubstr("--resume training.optimizer.learning_rate=0.001"));
  config.optimizer.learning_rate = 1e-3;
  EXPECT_EQ(run.resume(task(false), config), StopReason::kFinished);
  EXPECT_EQ(run.metrics().back().at("step"), 30);
}

TEST(Trainer, EndsByNameWhereAnOperationFails) {
  const RunFolder run;
  auto config = toy_training();
  config.checkpoint_every = 2;
  const auto failing = [](int64_t step, const at::Tensor& loss) {
    TORCH_CHECK(step != 5, "mat1 and mat2 do not fit\nmore lines");
    return loss;
  };
  std::string failure;
  try {
    run.train(ToyTask().task(failing), config);
  } catch (const TrainingFailure& thrown) {
    failure = thrown.what();
  }
  EXPECT_THAT(failure, AllOf(HasSubstr("rank 0, forward of step 5, toys of step 5: mat1 and mat2 "
                                       "do not fit. "),
                             HasSubstr("--resume")));
  EXPECT_THAT(failure, ::testing::Not(HasSubstr("\n"))) << "a stack trace";
  EXPECT_EQ(run.resume(ToyTask().task(), config), StopReason::kFinished);
}

TEST(Trainer, SaysBeforehandAndAfterwardsThatATimeLimitEndsIt) {
  const RunFolder run;
  auto config = toy_training();
  config.max_steps = 100000000;
  config.checkpoint_every = 100000000;
  config.log_every = 100000000;
  config.max_minutes = 0.005;
  config.optimizer.schedule = Schedule::kCosine;
  EXPECT_THAT(said_by([&] { run.train(ToyTask().task(), config); }),
              AllOf(HasSubstr("ends at step 100000000 or after 0.005 minutes"),
                    HasSubstr("the cosine schedule reaches zero at step 100000000"),
                    HasSubstr("of 100000000: the 0.005 minutes of training.max_minutes are spent"),
                    HasSubstr("--resume training.max_minutes=1, or 0")));
  EXPECT_THAT(said_by([&] { run.resume(ToyTask().task(), config); }),
              AllOf(HasSubstr("of which earlier runs spent 0.00"),
                    HasSubstr("minutes of training.max_minutes are spent")));
  config.max_minutes = 0;
  config.max_steps = checkpoint::latest_good_step(run.checkpoints()).value() + 1;
  EXPECT_THAT(said_by([&] { run.resume(ToyTask().task(), config); }),
              ::testing::Not(HasSubstr("max_minutes")));
}

TEST(Trainer, AddsUpTheGradientsOfAStepsMicroBatches) {
  const RunFolder run;
  const ToyTask toy;
  auto config = toy_training();
  config.micro_batches = 3;
  config.max_steps = 1;
  std::vector<MicroBatch> seen;
  auto task = toy.task([](int64_t, const at::Tensor& loss) { return loss; }, 3);
  task.loss = [&, loss = task.loss](MicroBatch which) {
    seen.push_back(which);
    return loss(which);
  };
  run.train(task, config);
  EXPECT_THAT(seen, ElementsAre(MicroBatch{0, 0}, MicroBatch{0, 1}, MicroBatch{0, 2}));
  // One batch of all their samples has the same mean loss.
  const ToyTask fresh;
  double whole = 0;
  for (const auto& which : seen) {
    whole += fresh.task().loss(which).item<double>() / 3;
  }
  EXPECT_NEAR(run.metrics()[0].at("loss"), whole, 1e-6);
}

// With a large epsilon AdamW's first step goes along the gradient, in proportion to it, where the
// usual one would hide a factor.
TEST(Trainer, TwoMicroBatchesOfUnequalWeightStepAsOneBatchOfBoth) {
  auto config = toy_training();
  config.max_steps = 1;
  config.optimizer.max_gradient_norm = 0;
  config.optimizer.weight_decay = 0;
  config.optimizer.warmup_steps = 0;
  config.optimizer.epsilon = 1e4;
  config.optimizer.learning_rate = 1e3;
  const RunFolder in_two("two"), in_one("one");
  const ToyTask two, one;
  const auto before = two.model->weight.detach().clone();
  auto task = two.task();
  task.weight = [](MicroBatch which) { return which.index == 0 ? 0.25 : 0.75; };
  config.micro_batches = 2;
  in_two.train(task, config);
  auto whole = one.task();
  whole.loss = [model = one.model](MicroBatch which) mutable {
    return 0.25 * ToyTask::loss(model, {which.step, 0}) +
           0.75 * ToyTask::loss(model, {which.step, 1});
  };
  config.micro_batches = 1;
  in_one.train(whole, config);
  const auto step = one.model->weight.detach() - before;
  EXPECT_GT(step.abs().max().item<double>(), 1e-3);
  EXPECT_TRUE(all_close(two.model->weight.detach() - before, step, 1e-6));
  EXPECT_NEAR(in_two.metrics()[0].at("loss"), in_one.metrics()[0].at("loss"), 1e-6);
  EXPECT_NEAR(in_two.metrics()[0].at("gradient_norm"), in_one.metrics()[0].at("gradient_norm"),
              1e-6);
}

// Gradients of a step must be gone before the next.
TEST(Trainer, EveryStepFollowsItsOwnGradientAlone) {
  const RunFolder run;
  const ToyTask toy;
  auto config = toy_training();
  config.max_steps = 2;
  config.optimizer.max_gradient_norm = 0;
  config.optimizer.learning_rate = 1e-12;
  run.train(toy.task(), config);
  auto model = ToyTask().model;
  for (int64_t step = 0; step < 2; ++step) {
    model->zero_grad();
    ToyTask::loss(model, {step, 0}).backward();
    const double norm =
        at::cat({model->weight.grad().flatten(), model->bias.grad()}).norm().item<double>();
    EXPECT_NEAR(run.metrics()[step].at("gradient_norm"), norm, 1e-5);
  }
}

TEST(Trainer, KeepsCheckpointsOfRoundStepsForGood) {
  const RunFolder run;
  auto config = toy_training();
  config.max_steps = 10;
  config.checkpoint_every = 1;
  config.keep_checkpoints = 2;
  config.keep_every = 4;
  run.train(ToyTask().task(), config);
  EXPECT_THAT(run.names_of_checkpoints(),
              ::testing::UnorderedElementsAre("step_00000004", "step_00000008", "step_00000009",
                                              "step_00000010"));
}

TEST(Trainer, DoesNotSaveWeightsThatAreNotFinite) {
  const RunFolder run;
  const ToyTask toy;
  auto config = toy_training();
  config.checkpoint_every = 2;
  const auto task = toy.task([&](int64_t step, const at::Tensor& loss) {
    if (step == 4) {  // as a fault of the memory would
      const torch::NoGradGuard no_grad;
      toy.model->weight[0][0].fill_(std::nan(""));
    }
    return loss;
  });
  EXPECT_THAT(refusal([&] { run.train(task, config); }),
              AllOf(HasSubstr("weights hold NaN"), HasSubstr("with --resume")));
  EXPECT_EQ(checkpoint::latest_good_step(run.checkpoints()), 4);
  EXPECT_EQ(run.resume(ToyTask().task(), config), StopReason::kFinished);
}

// A run that stays in the middle of a step; the result is this process's exit code.
int hanging_run(const fs::path& folder) {
  auto config = toy_training();
  config.hang_seconds = 0.3;
  distributed::ProcessGroup alone;
  const auto task = ToyTask().task([](int64_t step, const at::Tensor& loss) {
    std::this_thread::sleep_for(std::chrono::seconds(step == 2 ? 20 : 0));
    return loss;
  });
  Trainer(task, config, {alone, at::kCPU, folder}).train();
  return 0;
}

TEST(TrainerDeathTest, EndsARunThatHangsAndNamesThePhase) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const RunFolder run;
  EXPECT_EXIT(std::exit(hanging_run(run.path())), ::testing::ExitedWithCode(3),
              "rank 0 of 1 has been 0 s in phase 'forward of step 2'");
}

}  // namespace
}  // namespace moca::training
