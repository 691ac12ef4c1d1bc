#include "commands.h"
void add_report(CLI::App&) {}
