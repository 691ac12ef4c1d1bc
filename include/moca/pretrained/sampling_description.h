#pragma once

#include <array>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moca/generation/component_generator.h"

namespace moca::pretrained {

// What is done to an image before the image encoder: our `image_to_input`, or DINOv2's own
// preprocessing.
enum class Preprocessing { kSquare, kDinov2 };
constexpr auto enum_names(Preprocessing) {
  return std::array{std::pair{"square", Preprocessing::kSquare},
                    std::pair{"dinov2", Preprocessing::kDinov2}};
}

// What generating depends on besides weights and their configs. It stands in model_index.json as
// `_sampling`: diffusers leaves names that begin with "_" alone.
struct SamplingDescription {
  // Names and values as on a command line: {"sampler.num_steps", "50"}.
  std::vector<std::pair<std::string, std::string>> settings;
  generation::ComponentIds component_ids = generation::ComponentIds::kDrawn;
  Preprocessing preprocessing = Preprocessing::kSquare;
};

// The description in a model folder; nothing where the folder is not one of our exports (public
// weights say nothing about sampling). Throws Error where an export lacks it or a part of it.
std::optional<SamplingDescription> read_sampling(const std::filesystem::path& folder);

// What `read_sampling` reads.
nlohmann::ordered_json json_of(const SamplingDescription& description);

}  // namespace moca::pretrained
