#include <cstdio>

#include "commands.h"
#include "moca/config/schema.h"
#include "moca/experiment/run_config.h"

namespace {

void run(const bool& markdown) {
  const auto settings = moca::config::describe(moca::experiment::RunConfig());
  const auto text =
      markdown ? moca::config::settings_markdown(settings) : moca::config::settings_text(settings);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_settings(CLI::App& app) {
  auto [command, markdown] = add_command<bool>(
      app, "settings", "Print every setting with type, default, rule and help", run);
  command->add_flag("--markdown", *markdown, "as the tables of configs/README.md");
}
