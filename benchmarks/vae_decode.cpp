// Time of decoding one component at the released VAE's size with random weights: latents to hidden
// tokens, then the field at query points.
// Usage: moca_vae_decode_benchmark [fp32|bf16] [threads] [query points] [latent tokens]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "moca/core/generator.h"
#include "moca/vae/vecset_vae.h"

namespace {

struct Seconds {
  double cpu = 0;  // of the whole process
  double wall = 0;
};

Seconds now() {
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {static_cast<double>(cpu.tv_sec) + 1e-9 * static_cast<double>(cpu.tv_nsec),
          std::chrono::duration<double>(wall).count()};
}

Seconds since(const Seconds& start) {
  const Seconds end = now();
  return {end.cpu - start.cpu, end.wall - start.wall};
}

at::Tensor draw(at::IntArrayRef sizes, const char* purpose) {
  return at::randn(sizes, moca::generator_for(0, purpose), at::TensorOptions());
}

at::Tensor decode(moca::vae::VecsetVae& vae, const at::Tensor& latents, const at::Tensor& points,
                  Seconds& hidden_time, Seconds& query_time) {
  auto start = now();
  const auto hidden = vae->decode(latents);
  hidden_time = since(start);
  start = now();
  const auto field = vae->query_prepared(vae->prepare_queries(hidden), points);
  query_time = since(start);
  return field;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string dtype = argc > 1 ? argv[1] : "fp32";
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  const int64_t num_queries = argc > 3 ? std::atoll(argv[3]) : 50000;
  const int64_t num_tokens = argc > 4 ? std::atoll(argv[4]) : 1024;
  if ((dtype != "fp32" && dtype != "bf16") || threads < 1 || num_queries < 1 || num_tokens < 1) {
    std::fprintf(stderr, "usage: %s [fp32|bf16] [threads] [query points] [latent tokens]\n",
                 argv[0]);
    return 2;
  }
  at::set_num_threads(threads);
  const torch::NoGradGuard no_grad;
  torch::manual_seed(0);
  const moca::vae::VaeConfig config;
  moca::vae::VecsetVae vae(config);
  const auto latents = draw({1, num_tokens, config.latent_channels}, "latents");
  const auto points = draw({1, num_queries, 3}, "query points").clamp(-1, 1);
  const auto few_points = points.narrow(1, 0, std::min<int64_t>(num_queries, 4096));
  Seconds hidden_time, query_time;
  const auto exact = decode(vae, latents, few_points, hidden_time, query_time);
  if (dtype == "bf16") {
    vae->to(at::kBFloat16);
  }
  // The first pass also warms up.
  const auto few = decode(vae, latents, few_points, hidden_time, query_time);
  const double error = ((few - exact).norm() / (exact - exact.mean()).norm()).item<double>();
  decode(vae, latents, points, hidden_time, query_time);
  std::printf(
      "{\"side\": \"moca\", \"dtype\": \"%s\", \"threads\": %d, \"query_points\": %ld, "
      "\"latent_tokens\": %ld, \"hidden_cpu_s\": %.3f, \"hidden_wall_s\": %.3f, "
      "\"query_cpu_s\": %.3f, \"query_wall_s\": %.3f, \"relative_error_to_fp32\": %.2e}\n",
      dtype.c_str(), threads, num_queries, num_tokens, hidden_time.cpu, hidden_time.wall,
      query_time.cpu, query_time.wall, error);
}
