// What the trainer costs on top of the work: steps of about 100 ms of a bare loop (forward,
// backward, AdamW, averages) beside the trainer's, which also logs every step, agrees on stopping,
// guards against what is not finite and watches for hangs. Then 10,000 tiny steps: main memory and
// open files.
// usage: moca_trainer_benchmark FOLDER [STEPS]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>

#include "moca/core/generator.h"
#include "moca/core/memory.h"
#include "moca/core/progress.h"
#include "moca/training/trainer.h"

namespace {

using moca::training::MicroBatch;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class ToyStage : public moca::training::Stage, public moca::training::Batches {
 public:
  ToyStage(int64_t width, int64_t rows) : width_(width), rows_(rows) {
    torch::manual_seed(1);
    for (int i = 0; i < 4; ++i) {
      network_->push_back(torch::nn::Linear(width, width));
    }
  }

  torch::nn::Module& model() override { return *network_; }
  Batches& batches() override { return *this; }
  at::Tensor loss(MicroBatch batch) override {
    const auto input =
        at::randn({rows_, width_}, moca::generator_for(1, "toy", batch.step), at::TensorOptions());
    return network_->forward(input).square().mean();
  }
  double weight(MicroBatch /*batch*/) override { return 1.0; }
  std::string asset_names(MicroBatch /*batch*/) override { return "toys"; }

 private:
  int64_t width_;
  int64_t rows_;
  torch::nn::Sequential network_;
};

moca::training::TrainingConfig config_of(int64_t steps) {
  moca::training::TrainingConfig config;
  config.max_steps = steps;
  config.precision = moca::training::Precision::kFp32;
  config.checkpoint_every = steps + 1;
  config.log_every = 1;
  return config;
}

void bare_loop(ToyStage stage, const moca::training::TrainingConfig& config) {
  moca::training::Optimizer optimizer(stage.model(), config.optimizer);
  moca::training::AveragedWeights ema(stage.model(), {});
  for (int64_t step = 0; step < config.max_steps; ++step) {
    optimizer.zero_gradients();
    stage.loss({step, 0}).backward();
    optimizer.step(1e-4);
    ema.update(step);
  }
}

void trained(ToyStage stage, const moca::training::TrainingConfig& config,
             const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  moca::distributed::ProcessGroup alone;
  moca::training::Trainer(stage, config, {alone, c10::kCPU, folder}).train();
}

double per_step(const std::function<void()>& work, int64_t steps) {
  const double start = cpu_seconds();
  work();
  return (cpu_seconds() - start) / static_cast<double>(steps);
}

int64_t open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: moca_trainer_benchmark FOLDER [STEPS]\n");
    return 2;
  }
  at::set_num_threads(1);
  const auto folder = std::filesystem::path(argv[1]) / "run";
  const int64_t steps = argc > 2 ? std::atoll(argv[2]) : 100;
  const auto config = config_of(steps);
  std::printf("round | bare ms | trainer ms | ratio\n");
  for (int round = 0; round < 4; ++round) {
    const double bare = per_step([&] { bare_loop(ToyStage(512, 2048), config); }, steps);
    const double ours = per_step([&] { trained(ToyStage(512, 2048), config, folder); }, steps);
    std::printf("%5d | %7.2f | %10.2f | %.4f\n", round, 1e3 * bare, 1e3 * ours, ours / bare);
  }
  // Guards and logging alone: a step of next to nothing.
  const auto tiny = config_of(10000);
  const double guards = per_step([&] { trained(ToyStage(4, 4), tiny, folder); }, tiny.max_steps) -
                        per_step([&] { bare_loop(ToyStage(4, 4), tiny); }, tiny.max_steps);
  std::printf("guards and logging of a step: %.3f ms\n", 1e3 * guards);
  const double memory = moca::memory_gib();
  const int64_t files = open_files();
  trained(ToyStage(4, 4), tiny, folder);
  std::printf("after 10000 more steps: memory %+.2f %%, open files %+lld\n",
              100 * (moca::memory_gib() / memory - 1),
              static_cast<long long>(open_files() - files));
  std::filesystem::remove_all(folder);
  return 0;
}
