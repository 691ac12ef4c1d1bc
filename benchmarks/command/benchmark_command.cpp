#include "benchmark_command.h"

#include <ATen/Parallel.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "forward_benchmark.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/progress.h"
#include "moca/core/threads.h"
#include "moca/ops/device.h"
#include "step_benchmark.h"

namespace {

using moca::benchmarks::AttentionRow;
using moca::benchmarks::ForwardRow;
using moca::benchmarks::Timing;

const CLI::Range kCount(int64_t{1}, int64_t{1} << 31);

struct CommandLine {
  moca::benchmarks::BenchmarkOptions sizes;
  std::vector<std::string> precisions = {"fp32"};
  std::string device = "cpu";
  int threads = 1;
  std::string json;
};

nlohmann::json to_json(const Timing& timing) {
  return {{"wall_ms", timing.wall_ms}, {"cpu_ms", timing.cpu_ms}};
}

nlohmann::json sizes_of(const CommandLine& options) {
  const auto& sizes = options.sizes;
  return {{"width", sizes.width},
          {"heads", sizes.num_heads},
          {"blocks", sizes.num_layers},
          {"tokens", sizes.num_tokens},
          {"selected", sizes.num_selected},
          {"compressed", sizes.num_compressed_tokens},
          {"image_tokens", sizes.num_image_tokens},
          {"threads", options.threads},
          {"device", options.device},
          {"rounds", sizes.rounds}};
}

// What a ratio is of: the process's CPU time is least disturbed, but says nothing of a GPU or of
// several threads.
double compared_ms(const CommandLine& options, const Timing& timing) {
  return options.device == "cpu" && options.threads == 1 ? timing.cpu_ms : timing.wall_ms;
}

// "0.123 ms", "12.3 ms", "4.56 s", "2 min 03 s".
std::string duration(double ms) {
  if (ms >= 60000) {
    return moca::format_duration(ms / 1000);
  }
  const bool seconds = ms >= 1000;
  const double value = seconds ? ms / 1000 : ms;
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f %s",
                value < 1    ? 3
                : value < 10 ? 2
                             : 1,
                value, seconds ? "s" : "ms");
  return text;
}

nlohmann::json run_attention(const CommandLine& options, const std::string& precision) {
  std::printf("attention of a global block, %s; SDPA is LibTorch's, dense over it in brackets\n",
              precision.c_str());
  std::printf("%4s | %10s %18s %10s %6s | %10s %18s %10s %6s | %9s %9s\n", "N", "SDPA", "dense",
              "MoC", "ratio", "SDPA f+b", "dense f+b", "MoC f+b", "ratio", "dense GiB", "MoC GiB");
  auto rows = nlohmann::json::array();
  for (const int64_t N : options.sizes.components) {
    const AttentionRow row = moca::benchmarks::time_attention(options.sizes, N);
    const double dense = compared_ms(options, row.dense), moc = compared_ms(options, row.moc);
    const double sdpa = compared_ms(options, row.sdpa);
    const double dense_training = compared_ms(options, row.dense_training);
    const double moc_training = compared_ms(options, row.moc_training);
    const double sdpa_training = compared_ms(options, row.sdpa_training);
    std::printf(
        "%4lld | %10s %10s (%5.3f) %10s %6.3f | %10s %10s (%5.3f) %10s %6.3f | %9.3f %9.3f\n",
        static_cast<long long>(N), duration(sdpa).c_str(), duration(dense).c_str(), dense / sdpa,
        duration(moc).c_str(), moc / dense, duration(sdpa_training).c_str(),
        duration(dense_training).c_str(), dense_training / sdpa_training,
        duration(moc_training).c_str(), moc_training / dense_training, row.dense_memory_gib,
        row.moc_memory_gib);
    std::fflush(stdout);
    rows.push_back({{"dtype", precision},
                    {"components", N},
                    {"sdpa", to_json(row.sdpa)},
                    {"dense", to_json(row.dense)},
                    {"moc", to_json(row.moc)},
                    {"sdpa_training", to_json(row.sdpa_training)},
                    {"dense_training", to_json(row.dense_training)},
                    {"moc_training", to_json(row.moc_training)},
                    {"dense_over_sdpa", dense / sdpa},
                    {"dense_over_sdpa_training", dense_training / sdpa_training},
                    {"moc_over_dense", moc / dense},
                    {"moc_over_dense_training", moc_training / dense_training},
                    {"dense_memory_gib", row.dense_memory_gib},
                    {"moc_memory_gib", row.moc_memory_gib}});
  }
  return rows;
}

nlohmann::json run_forward(const CommandLine& options, const std::string& precision) {
  std::printf("forward, %s: time of a block and in all\n", precision.c_str());
  std::printf("%4s | %10s %10s %10s %10s %6s | %10s %10s %10s %6s | %6s %6s\n", "N", "local",
              "routing", "global", "total", "GiB", "d.local", "d.global", "d.total", "GiB", "ratio",
              "rate");
  auto rows = nlohmann::json::array();
  for (const int64_t N : options.sizes.components) {
    const ForwardRow row = moca::benchmarks::time_forward(options.sizes, N);
    const auto ms = [&](const Timing& timing) { return compared_ms(options, timing); };
    const double ratio = ms(row.total) / ms(row.dense_total);
    const double rate = row.total_flops / ms(row.total) /
                        (row.product_flops / ms(row.product));  // of the product's
    const auto shown = [&](const Timing& timing) { return duration(ms(timing)); };
    std::printf("%4lld | %10s %10s %10s %10s %6.3f | %10s %10s %10s %6.3f | %6.3f %6.3f\n",
                static_cast<long long>(N), shown(row.local_block).c_str(),
                shown(row.routing).c_str(), shown(row.global_block).c_str(),
                shown(row.total).c_str(), row.memory_gib, shown(row.dense_local_block).c_str(),
                shown(row.dense_global_block).c_str(), shown(row.dense_total).c_str(),
                row.dense_memory_gib, ratio, rate);
    std::fflush(stdout);
    rows.push_back({{"dtype", precision},
                    {"components", N},
                    {"rate_over_product", rate},
                    {"local_block", to_json(row.local_block)},
                    {"routing", to_json(row.routing)},
                    {"global_block", to_json(row.global_block)},
                    {"total", to_json(row.total)},
                    {"dense_local_block", to_json(row.dense_local_block)},
                    {"dense_global_block", to_json(row.dense_global_block)},
                    {"dense_total", to_json(row.dense_total)},
                    {"memory_gib", row.memory_gib},
                    {"dense_memory_gib", row.dense_memory_gib},
                    {"moca_over_dense", ratio},
                    {"routing_share", ms(row.routing) / ms(row.global_block)}});
  }
  return rows;
}

nlohmann::json run_step(const CommandLine& options, const std::string& precision) {
  std::printf("training step, %s\n", precision.c_str());
  std::printf("%4s | %10s %9s | %10s %9s %6s | %12s %9s %6s\n", "N", "dense", "GiB", "MoCA", "GiB",
              "ratio", "checkpointed", "GiB", "ratio");
  auto rows = nlohmann::json::array();
  for (const int64_t N : options.sizes.components) {
    const auto row = moca::benchmarks::time_step(options.sizes, N);
    const double dense = compared_ms(options, row.dense), moca = compared_ms(options, row.moca);
    const double checkpointed = compared_ms(options, row.checkpointed);
    std::printf("%4lld | %10s %9.3f | %10s %9.3f %6.3f | %12s %9.3f %6.3f\n",
                static_cast<long long>(N), duration(dense).c_str(), row.dense_memory_gib,
                duration(moca).c_str(), row.moca_memory_gib, moca / dense,
                duration(checkpointed).c_str(), row.checkpointed_memory_gib, checkpointed / moca);
    std::fflush(stdout);
    rows.push_back({{"dtype", precision},
                    {"components", N},
                    {"dense", to_json(row.dense)},
                    {"moca", to_json(row.moca)},
                    {"checkpointed", to_json(row.checkpointed)},
                    {"dense_memory_gib", row.dense_memory_gib},
                    {"moca_memory_gib", row.moca_memory_gib},
                    {"checkpointed_memory_gib", row.checkpointed_memory_gib}});
  }
  return rows;
}

void run(CommandLine& options,
         nlohmann::json (*benchmark)(const CommandLine&, const std::string&)) {
  if (options.sizes.width % options.sizes.num_heads != 0) {
    throw moca::Error("--width (" + std::to_string(options.sizes.width) +
                      ") must be a multiple of --heads (" +
                      std::to_string(options.sizes.num_heads) + ").");
  }
  if (options.sizes.width % 2 != 0 || options.sizes.num_layers < 2) {
    throw moca::Error("--width (" + std::to_string(options.sizes.width) +
                      ") must be even and --blocks (" + std::to_string(options.sizes.num_layers) +
                      ") at least 2, of which the second is global.");
  }
  moca::require_threads("--threads", options.threads);
  options.sizes.device = moca::ops::select_and_log_device(options.device);
  at::set_num_threads(options.threads);
  auto rows = nlohmann::json::array();
  for (const auto& precision : options.precisions) {
    options.sizes.type = precision == "bf16" ? at::kBFloat16 : at::kFloat;
    for (auto& row : benchmark(options, precision)) {
      rows.push_back(row);
    }
  }
  if (!options.json.empty()) {
    moca::write_file(options.json,
                     nlohmann::json{{"sizes", sizes_of(options)}, {"rows", rows}}.dump(1) + "\n");
  }
}

void add(CLI::App& parent, const char* name, const char* help,
         nlohmann::json (*benchmark)(const CommandLine&, const std::string&)) {
  auto options = std::make_shared<CommandLine>();
  auto* command = parent.add_subcommand(name, help);
  auto& sizes = options->sizes;
  const auto count = [&](const char* flag, int64_t& value, const char* text) {
    command->add_option(flag, value, text)->capture_default_str()->check(kCount);
  };
  command->add_option("--components", sizes.components, "N of each row")
      ->capture_default_str()
      ->delimiter(',')
      ->check(kCount);
  command->add_option("--precision", options->precisions, "fp32, bf16 or both")
      ->capture_default_str()
      ->delimiter(',')
      ->check(CLI::IsMember({"fp32", "bf16"}));
  count("--width", sizes.width, "D");
  count("--heads", sizes.num_heads, "H");
  count("--blocks", sizes.num_layers, "blocks, every even one global");
  count("--tokens", sizes.num_tokens, "L: vecset tokens per component");
  count("--selected", sizes.num_selected, "k: components attended in full");
  count("--compressed", sizes.num_compressed_tokens, "M: compressed tokens per component");
  count("--rounds", sizes.rounds, "calls of each; the median counts");
  command->add_option("--device", options->device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_option("--threads", options->threads, "of the CPU")
      ->capture_default_str()
      ->check(kCount);
  command->add_option("--json", options->json, "file for the same figures");
  command->callback([options, benchmark] { run(*options, benchmark); });
}

}  // namespace

void add_benchmark(CLI::App& app) {
  auto* command = app.add_subcommand(
      "benchmark", "Time MoCA beside the dense baseline on this machine (Table 4)");
  command->require_subcommand(1);
  add(*command, "attention", "Attention of one global block, forward and backward", run_attention);
  add(*command, "forward", "Blocks and the whole forward", run_forward);
  add(*command, "step", "A training step, and with activation checkpointing", run_step);
}
