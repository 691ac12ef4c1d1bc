#include "moca/parity/verify.h"

#include <algorithm>
#include <array>

#include "kinds.h"
#include "moca/core/error.h"
#include "moca/core/text.h"

namespace moca::parity {
namespace {

constexpr std::array<std::pair<const char*, void (*)(Fixture&)>, 13> kKinds = {{
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

void run_and_compare(Fixture& fixture) {
  const auto kind = fixture.kind();
  for (const auto& [name, verify] : kKinds) {
    if (kind == name) {
      return verify(fixture);
    }
  }
  throw Error(fixture.description_file(), ": kind '", kind, "' is unknown. Known kinds: ",
              joined(kKinds, ", ", [](const auto& known) { return known.first; }), ".");
}

}  // namespace

bool Verification::passed() const { return std::ranges::all_of(comparisons, &Comparison::passed); }

Verification verify_fixture(const std::filesystem::path& file, c10::Device device) {
  Fixture fixture(file, device);
  try {
    run_and_compare(fixture);
  } catch (const nlohmann::json::exception& mistake) {
    throw Error(fixture.description_file(), ": ", mistake.what(), ".");
  }
  return fixture.result();
}

std::string table_of(const Verification& verification) {
  std::string text = verification.fixture + " (" + verification.kind + ")\n";
  size_t width = 0;
  for (const auto& comparison : verification.comparisons) {
    width = std::max(width, comparison.output.size());
  }
  for (const auto& [output, error, tolerance, passed, note] : verification.comparisons) {
    const auto numbers = formatted("error %9.3g  tolerance %9.3g", error, tolerance);
    text += "  " + output + std::string(width - output.size(), ' ') + "  " +
            (note.empty() ? numbers : std::string(36, ' ')) + "  " + (passed ? "pass" : "FAIL") +
            (note.empty() ? "" : "  " + note) + "\n";
  }
  return text;
}

}  // namespace moca::parity
