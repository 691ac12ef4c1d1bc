#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace moca::experiment {

struct SampleOptions {
  std::string run;      // of stage dit; or
  std::string weights;  // a folder in the layout of TripoSG and PartCrafter
  std::vector<std::string> overrides;
  std::string precision;  // of weights; empty: as their folder says
  std::filesystem::path image;
  std::filesystem::path component_map;    // empty: none
  std::optional<int64_t> num_components;  // default: as the map says, else 4
  int64_t seed = 0;                       // of the noise and component ids
  std::filesystem::path out;              // empty: in `samples/` of run or weights, by image,
                                          // components and seed
  bool accept_changed_data = false;       // another VAE than the run was trained on
};

// Generates one mesh per component from an image: the meshes (write_asset), latents.safetensors,
// preview.png and sample.json, which says how they were made. Refuses a folder that exists.
void sample_image(const SampleOptions& options);

}  // namespace moca::experiment
