#pragma once

#include <CLI/CLI.hpp>

// Adds `moca benchmark attention|forward|step` to the program, as tools/commands.h declares it of
// the others.
void add_benchmark(CLI::App& app);
