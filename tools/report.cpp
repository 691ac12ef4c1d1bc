#include <filesystem>
#include <string>

#include "commands.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/program.h"
#include "moca/experiment/report_run.h"
#include "moca/experiment/run_config.h"

namespace {

struct ReportOptions {
  std::string run;
  std::string evaluation;
};

void run(const ReportOptions& options) {
  const std::filesystem::path folder = options.run;
  const auto evaluation = options.evaluation.empty() ? folder / "evaluation"
                                                     : std::filesystem::path(options.evaluation);
  if (!options.evaluation.empty() && !std::filesystem::exists(evaluation / "evaluation.json")) {
    throw moca::Error("--evaluation ", options.evaluation, " holds no evaluation.json. Make one: ",
                      moca::command("evaluate RUN --out FOLDER"), ".");
  }
  for (const auto& file :
       moca::experiment::report_run(moca::experiment::load_run(folder), evaluation)) {
    moca::log::info("wrote " + file.string());
  }
}

}  // namespace

void add_report(CLI::App& app) {
  auto [command, options] = add_command<ReportOptions>(
      app, "report", "Make a run's page and contact sheets from its metrics and its evaluation",
      run);
  command->add_option("run", options->run, "folder of the run")->required();
  command->add_option("--evaluation", options->evaluation,
                      "folder of the evaluation; default RUN/evaluation");
}
