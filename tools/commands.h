#pragma once

#include <CLI/CLI.hpp>
#include <string>

// Each adds its subcommand to the program; the subcommand's callback does the work.
void add_prepare_data(CLI::App& app);
void add_train(CLI::App& app);
void add_sample(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_metrics(CLI::App& app);
void add_report(CLI::App& app);
void add_settings(CLI::App& app);
void add_verify(CLI::App& app);
void add_convert_weights(CLI::App& app);

// Ends the program that a signal stopped, saying what became of the work.
[[noreturn]] void exit_interrupted(const std::string& said);
