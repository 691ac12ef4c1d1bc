#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

// Adds a subcommand that calls `run` with options, which its arguments are then made to fill.
template <class Options>
std::pair<CLI::App*, Options*> add_command(CLI::App& app, const char* name, const char* help,
                                           void (*run)(const Options&)) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(name, help);
  command->callback([options, run] { run(*options); });
  return {command, options.get()};
}

// Ends the program that a signal stopped, saying what became of the work.
[[noreturn]] void exit_interrupted(const std::string& said);
