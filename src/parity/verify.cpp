#include "moca/parity/verify.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "fixture.h"
#include "kinds.h"
#include "moca/core/error.h"

namespace moca::parity {
namespace {

using Check = void (*)(Fixture&);

constexpr std::array<std::pair<const char*, Check>, 13> kKinds = {{
    {"dino_preprocess", verify_dino_preprocess},
    {"dinov2", verify_dinov2},
    {"dit_partcrafter", verify_dit_partcrafter},
    {"dit_triposg", verify_dit_triposg},
    {"extraction", verify_extraction},
    {"fps", verify_fps},
    {"ops", verify_ops},
    {"partcrafter_sampler", verify_partcrafter_sampler},
    {"prepare_rgba", verify_prepare_rgba},
    {"scheduler", verify_scheduler},
    {"vae_decoder", verify_vae_decoder},
    {"vae_encoder", verify_vae_encoder},
    {"vae_full", verify_vae_full},
}};

Check check_of(const Fixture& fixture) {
  const auto kind = fixture.kind();
  std::string known;
  for (const auto& [name, check] : kKinds) {
    if (kind == name) {
      return check;
    }
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(fixture.description_file().string() + ": kind '" + kind +
              "' is unknown. Known kinds: " + known + ".");
}

}  // namespace

bool Verification::passed() const {
  return std::all_of(comparisons.begin(), comparisons.end(),
                     [](const Comparison& comparison) { return comparison.passed; });
}

Verification verify_fixture(const std::filesystem::path& file) {
  Fixture fixture(file);
  const Check check = check_of(fixture);
  try {
    check(fixture);
  } catch (const nlohmann::json::exception& mistake) {
    throw Error(fixture.description_file().string() + ": " + mistake.what() + ".");
  }
  return fixture.result();
}

std::string table_of(const Verification& verification) {
  std::string text = verification.fixture + " (" + verification.kind + ")\n";
  size_t width = 0;
  for (const auto& comparison : verification.comparisons) {
    width = std::max(width, comparison.output.size());
  }
  for (const auto& comparison : verification.comparisons) {
    char numbers[96];
    if (comparison.note.empty()) {
      std::snprintf(numbers, sizeof(numbers), "error %9.3g  tolerance %9.3g", comparison.error,
                    comparison.tolerance);
    } else {
      std::snprintf(numbers, sizeof(numbers), "%36s", "");
    }
    text += "  " + comparison.output + std::string(width - comparison.output.size(), ' ') + "  " +
            numbers + "  " + (comparison.passed ? "pass" : "FAIL") +
            (comparison.note.empty() ? "" : "  " + comparison.note) + "\n";
  }
  return text;
}

}  // namespace moca::parity
