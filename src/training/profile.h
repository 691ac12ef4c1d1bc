#pragma once

#include <cstdint>
#include <filesystem>

namespace moca::training {

// A trace of the first steps, for chrome://tracing or ui.perfetto.dev: every operation of LibTorch,
// on a GPU its kernels.
class Profile {
 public:
  // num_steps: how many are traced, after kProfileWarmup others; 0: none.
  Profile(int64_t num_steps, std::filesystem::path file);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  // Before every step of this process. Writes the file once the last of them is over.
  void step_begins();

 private:
  int64_t num_steps_;
  std::filesystem::path file_;
  int64_t seen_ = 0;
  bool recording_ = false;
};

// Steps that load libraries and grow buffers; they say little about the others.
constexpr int64_t kProfileWarmup = 3;

}  // namespace moca::training
