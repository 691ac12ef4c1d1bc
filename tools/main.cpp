#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "benchmarks/command/benchmark_command.h"
#include "commands.h"
#include "moca/config/suggestion.h"
#include "moca/config/values.h"
#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/program.h"
#include "moca/core/text.h"
#include "moca/distributed/launch.h"

// Each adds its subcommand, in a file of its own; the subcommand's callback does the work.
void add_prepare_data(CLI::App& app);
void add_train(CLI::App& app);
void add_sample(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_metrics(CLI::App& app);
void add_report(CLI::App& app);
void add_settings(CLI::App& app);
void add_verify(CLI::App& app);
void add_convert_weights(CLI::App& app);

namespace {

constexpr int kUserMistake = 2;
constexpr int kInterrupted = 130;  // as a shell reports Ctrl-C

// A forward pass frees and takes again the same tensors. Left to itself, glibc hands the large ones
// back to the system each time, and clearing their pages anew took a fifth of the VAE's step and a
// tenth of a forward over 32 components. Now it keeps what it got. Large tensors come in pages of
// 2 MiB, where the system has them.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
  setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);  // of LibTorch's allocator
}

// CLI11 2.1 answers a misspelt subcommand only with "A subcommand is required".
void refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') {
    return;
  }
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
    if (names.back() == argv[1]) {
      return;
    }
  }
  throw moca::Error("unknown command '", argv[1], "'.", moca::config::did_you_mean(argv[1], names),
                    " See ", moca::command("--help"), ".");
}

int fail(const std::string& message, int code) {
  moca::log::flush();
  std::fprintf(stderr, "moca: %s\n", message.c_str());
  moca::distributed::report_failure(message);
  return code;
}

// As the standard library and LibTorch's allocators say it.
bool is_out_of_memory(const std::exception& failure) {
  const std::string_view text = failure.what();
  return dynamic_cast<const std::bad_alloc*>(&failure) != nullptr ||
         text.find("can't allocate memory") != text.npos || text.find("out of memory") != text.npos;
}

// CLI11 would say it in two lines.
std::string text_of(const CLI::ParseError& mistake, const std::string& subcommand) {
  std::string text = moca::config::one_line(mistake.what());
  text += text.ends_with('.') ? "" : ".";
  const bool is_option = subcommand.starts_with('-');
  return text + " See " +
         moca::command(is_option || subcommand.empty() ? "--help" : subcommand + " --help") + ".";
}

int run(int argc, char** argv) {
  CLI::App app(
      "moca: scalable compositional 3D generation (MoCA, arXiv 2512.07628).\n"
      "One image in, one mesh per component out.");
  app.require_subcommand(1);
  add_prepare_data(app);
  add_train(app);
  add_sample(app);
  add_evaluate(app);
  add_metrics(app);
  add_report(app);
  add_settings(app);
  add_verify(app);
  add_convert_weights(app);
  add_benchmark(app);
  refuse_unknown_command(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& mistake) {
    return fail(text_of(mistake, argc > 1 ? argv[1] : ""), kUserMistake);
  }
  return 0;
}

}  // namespace

void exit_interrupted(const std::string& said) {
  moca::log::info(said);
  moca::log::flush();
  // A launcher that stops the job asks for success; a person at the keyboard does not.
  std::exit(moca::interrupting_signal() == SIGINT ? kInterrupted : EXIT_SUCCESS);
}

int main(int argc, char** argv) {
  keep_freed_memory();
  moca::set_program(argv[0]);
  try {
    return run(argc, argv);
  } catch (const moca::Error& mistake) {
    return fail(moca::config::one_line(mistake.what()), kUserMistake);
  } catch (const moca::RunFailed& failed) {
    return fail(failed.what(), EXIT_FAILURE);
  } catch (const std::exception& broken) {
    if (is_out_of_memory(broken)) {
      return fail("out of memory (" + moca::first_line(broken.what()) +
                      "). Make batches, numbers of tokens or points, or resolutions smaller; "
                      "'train CONFIG --dry-run' says what a training step needs.",
                  EXIT_FAILURE);
    }
    return fail(std::string("internal error: ") + broken.what(), EXIT_FAILURE);
  }
}
