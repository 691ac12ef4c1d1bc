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

// Where the kind's reference came from a model or an operator, a device can compute it.
struct Kind {
  const char* name;
  void (*check)(Fixture&);
  bool on_any_device;
};

constexpr std::array<Kind, 13> kKinds = {{
    {"dino_preprocess", verify_dino_preprocess, false},
    {"dinov2", verify_dinov2, true},
    {"dit_partcrafter", verify_dit_partcrafter, true},
    {"dit_triposg", verify_dit_triposg, true},
    {"extraction", verify_extraction, false},
    {"fps", verify_fps, true},
    {"ops", verify_ops, true},
    {"partcrafter_sampler", verify_partcrafter_sampler, true},
    {"prepare_rgba", verify_prepare_rgba, false},
    {"scheduler", verify_scheduler, false},
    {"vae_decoder", verify_vae_decoder, true},
    {"vae_encoder", verify_vae_encoder, true},
    {"vae_full", verify_vae_full, true},
}};

const Kind& kind_of(const Fixture& fixture) {
  const auto kind = fixture.kind();
  std::string known;
  for (const auto& known_kind : kKinds) {
    if (kind == known_kind.name) {
      return known_kind;
    }
    known += (known.empty() ? "" : ", ") + std::string(known_kind.name);
  }
  throw Error(fixture.description_file().string() + ": kind '" + kind +
              "' is unknown. Known kinds: " + known + ".");
}

}  // namespace

bool Verification::passed() const {
  return std::all_of(comparisons.begin(), comparisons.end(),
                     [](const Comparison& comparison) { return comparison.passed; });
}

Verification verify_fixture(const std::filesystem::path& file, c10::Device device) {
  Fixture fixture(file);
  const auto& kind = kind_of(fixture);
  if (kind.on_any_device) {
    fixture.compute_on(device);
  }
  try {
    kind.check(fixture);
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
