#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/ops/device.h"
#include "moca/parity/verify.h"

namespace {

struct VerifyOptions {
  std::vector<std::string> fixtures;
  std::string device = "cpu";
};

void run(const VerifyOptions& options) {
  const auto& fixtures = options.fixtures;
  const auto device = moca::ops::select_device(options.device).device;
  size_t num_failed = 0;
  for (const auto& fixture : fixtures) {
    const auto verification = moca::parity::verify_fixture(fixture, device);
    std::fputs(moca::parity::table_of(verification).c_str(), stdout);
    num_failed += verification.passed() ? 0 : 1;
  }
  std::printf("%zu of %zu fixtures agree\n", fixtures.size() - num_failed, fixtures.size());
  if (num_failed > 0) {
    std::fflush(stdout);
    std::exit(EXIT_FAILURE);
  }
}

}  // namespace

void add_verify(CLI::App& app) {
  auto [command, options] = add_command<VerifyOptions>(
      app, "verify", "Compare our modules with tensors computed by the reference implementations",
      run);
  command
      ->add_option("fixtures", options->fixtures, "NAME.safetensors, each with NAME.json beside it")
      ->required();
  command->add_option("--device", options->device, "cpu, cuda or cuda:N")->capture_default_str();
}
