#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <string>
#include <vector>

namespace moca::parity {

// One output of a fixture beside ours.
struct Comparison {
  std::string output;
  double error = 0;      // largest absolute difference
  double tolerance = 0;  // 0: must be equal
  bool passed = false;
  std::string note = "";  // why it failed where no number says so
};

struct Verification {
  std::string fixture;
  std::string kind;
  std::vector<Comparison> comparisons;

  bool passed() const;
};

// Builds the module that NAME.json beside `fixture` (NAME.safetensors) describes, loads its weights
// strictly, runs its inputs on `device` (images, schedules and extraction on the CPU) and
// compares every output: an output that nothing is compared with fails. Kinds: dino_preprocess,
// dinov2, dit_partcrafter, dit_triposg, extraction, fps, ops, partcrafter_sampler, prepare_rgba,
// scheduler, vae_decoder, vae_encoder, vae_full.
Verification verify_fixture(const std::filesystem::path& fixture,
                            c10::Device device = c10::Device(c10::kCPU));

// A table of all outputs, one line each.
std::string table_of(const Verification& verification);

}  // namespace moca::parity
