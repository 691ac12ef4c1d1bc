// How long saving stalls training: a state of PARAMETERS parameters (model, averages, two moments)
// is copied by the training thread and written by another.
// usage: moca_checkpoint_benchmark FOLDER [MILLIONS_OF_PARAMETERS]
#include <ATen/ATen.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "moca/checkpoint/checkpoint_writer.h"
#include "moca/core/progress.h"

namespace {

using Clock = std::chrono::steady_clock;

moca::checkpoint::NamedTensors tensors(int64_t count, const std::string& suffix) {
  moca::checkpoint::NamedTensors named;
  for (int64_t i = 0; i < 100; ++i) {
    named.emplace_back("layer" + std::to_string(i) + suffix, at::rand({count / 100}));
  }
  return named;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: moca_checkpoint_benchmark FOLDER [MILLIONS_OF_PARAMETERS]\n");
    return 2;
  }
  const int64_t parameters = (argc > 2 ? std::atoll(argv[2]) : 100) * 1000000;
  moca::checkpoint::CheckpointContent content;
  content.whole["model.safetensors"] = tensors(parameters, "");
  content.shards["ema.safetensors"] = tensors(parameters, "");
  auto& optimizer = content.shards["optimizer.safetensors"];
  for (const char* moment : {".exp_avg", ".exp_avg_sq"}) {
    const auto more = tensors(parameters, moment);
    optimizer.insert(optimizer.end(), more.begin(), more.end());
  }
  content.state_json = "{}";
  moca::checkpoint::CheckpointWriter writer(std::filesystem::path(argv[1]) / "checkpoints", {1, 0});
  const auto begin = Clock::now();
  writer.reserve_memory(content);
  const double stall_for_room = moca::seconds_since(begin);
  writer.finish();
  std::printf("memory for the copies: %.3f s, the caller waited %.3f s\n",
              moca::seconds_since(begin), stall_for_room);
  std::printf("save | stall s | written after s | stall / writing\n");
  for (int64_t step = 1; step <= 4; ++step) {
    const auto start = Clock::now();
    writer.save(step, content);
    const double stall = moca::seconds_since(start);
    writer.finish();
    const double written = moca::seconds_since(start);
    std::printf("%4lld | %7.3f | %15.3f | %.3f\n", static_cast<long long>(step), stall, written,
                stall / written);
  }
  std::filesystem::remove_all(std::filesystem::path(argv[1]) / "checkpoints");
  return 0;
}
