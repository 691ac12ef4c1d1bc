// Public weights at their true size: memory of loading each part and time of one step of the DiT.
// Usage: moca_full_size_benchmark MODEL_FOLDER [fp32|bf16] [components] [tokens] [threads]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <torch/types.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/nn/default_type.h"
#include "moca/pretrained/hugging_face_config.h"
#include "moca/pretrained/hugging_face_folder.h"
#include "moca/pretrained/load_pretrained.h"

namespace {

namespace pretrained = moca::pretrained;
using pretrained::Part;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Largest resident memory of the process so far.
double peak_gb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024.0 / 1e9;
}

at::Tensor draw(at::IntArrayRef sizes, const char* purpose) {
  return at::randn(sizes, moca::generator_for(0, purpose), at::TensorOptions().dtype(at::kFloat));
}

struct Options {
  std::string folder;
  std::string precision = "fp32";
  int64_t num_components = 2;
  int64_t num_tokens = 512;
  int threads = 2;
};

void run(const Options& options) {
  const torch::NoGradGuard no_grad;
  at::set_num_threads(options.threads);
  const moca::nn::DefaultType weights_in(options.precision == "bf16" ? at::kBFloat16 : at::kFloat);
  const auto folder = pretrained::part_folder(options.folder, Part::kTransformer);
  const auto description = pretrained::read_dit_config(folder / config_name(Part::kTransformer));
  const double file_gb =
      static_cast<double>(std::filesystem::file_size(pretrained::weights_file(folder))) / 1e9;
  const double before = peak_gb();
  double start = seconds();
  moca::dit::MocaDit dit(description.dit, description.latent_channels,
                         moca::dit::ConditionKinds{{"image", description.image_width}});
  const double made = seconds();
  pretrained::load_dit_weights(dit, folder);
  dit->eval();
  std::printf(
      "{\"precision\": \"%s\", \"file_gb\": %.3f, \"construct_s\": %.1f, \"load_s\": %.1f, ",
      options.precision.c_str(), file_gb, made - start, seconds() - made);
  const double loaded = peak_gb();
  std::printf("\"peak_memory_gb\": %.3f, \"peak_over_file\": %.3f, \"peak_before_gb\": %.3f, ",
              loaded, loaded / file_gb, before);
  const int64_t N = options.num_components;
  moca::dit::DitInput input;
  input.noisy_latents = draw({1, N, options.num_tokens, description.latent_channels}, "latents");
  input.noise_level = at::full({1}, 0.5, at::kDouble);
  input.conditions = {
      // DINOv2 at 224 pixels
      {.name = "image", .tokens = draw({1, 257, description.image_width}, "image")}};
  input.component_ids = at::arange(N, at::kLong).unsqueeze(0);
  input.component_mask = at::ones({1, N}, at::kBool);
  dit->forward(input);
  start = seconds();
  const auto velocity = dit->forward(input);
  std::printf("\"components\": %lld, \"tokens\": %lld, \"threads\": %d, \"forward_s\": %.2f, ",
              static_cast<long long>(N), static_cast<long long>(options.num_tokens),
              options.threads, seconds() - start);
  std::printf("\"peak_memory_forward_gb\": %.3f, \"finite\": %s}\n", peak_gb(),
              velocity.isfinite().all().item<bool>() ? "true" : "false");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s MODEL_FOLDER [fp32|bf16] [components] [tokens] [threads]\n",
                 argv[0]);
    return 2;
  }
  Options options{argv[1]};
  options.precision = argc > 2 ? argv[2] : options.precision;
  options.num_components = argc > 3 ? std::atoll(argv[3]) : options.num_components;
  options.num_tokens = argc > 4 ? std::atoll(argv[4]) : options.num_tokens;
  options.threads = argc > 5 ? std::atoi(argv[5]) : options.threads;
  try {
    run(options);
  } catch (const moca::Error& mistake) {
    std::fprintf(stderr, "%s\n", mistake.what());
    return 2;
  }
  return 0;
}
