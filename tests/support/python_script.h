#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "tests/support/source_folder.h"

namespace moca::testing {

struct ScriptRun {
  int code = -1;       // exit status
  std::string output;  // standard output and standard error
};

// The exit status by which our test scripts say that a Python package is missing.
constexpr int kPackageMissing = 77;

// Runs a script of the checkout with its own Python, one thread; `arguments` as a shell would take
// them. Without that Python the code is kPackageMissing.
inline ScriptRun run_script(const std::filesystem::path& script, const std::string& arguments) {
  const auto source = source_folder();
  const auto python = source / ".venv" / "bin" / "python";
  if (!std::filesystem::exists(python)) {
    return {kPackageMissing, "no " + python.string() + "; run scripts/setup.sh --tests"};
  }
  const std::string command = "OMP_NUM_THREADS=1 '" + python.string() + "' '" +
                              (source / script).string() + "' " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    throw std::runtime_error("cannot run " + command);
  }
  ScriptRun run;
  std::array<char, 4096> buffer{};
  while (const size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) {
    run.output.append(buffer.data(), count);
  }
  const int status = pclose(pipe);
  run.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return run;
}

}  // namespace moca::testing
