#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "moca/ops/device.h"
#include "moca/parity/verify.h"

namespace {

void run(const std::vector<std::string>& fixtures, const std::string& device_name) {
  const auto device = moca::ops::select_device(device_name);
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
  auto fixtures = std::make_shared<std::vector<std::string>>();
  auto device = std::make_shared<std::string>("cpu");
  auto* command = app.add_subcommand(
      "verify", "Compare our modules with tensors computed by the reference implementations");
  command->add_option("fixtures", *fixtures, "NAME.safetensors, each with NAME.json beside it")
      ->required();
  command->add_option("--device", *device, "cpu, cuda or cuda:N")->capture_default_str();
  command->callback([fixtures, device] { run(*fixtures, *device); });
}
