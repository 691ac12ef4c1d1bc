#include "same_everywhere.h"

#include <sstream>

#include "build_info.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca::experiment {
namespace {

// What must be equal, one thing a line, the settings last.
std::string description(const RunConfig& config) {
  const auto index = std::filesystem::path(config.data.path) / "index.json";
  std::string dataset = "missing";
  if (std::filesystem::exists(index)) {
    dataset = std::to_string(sum_of_file(index).crc32c);
  }
  std::string text = std::string("program: moca ") + kVersion + " " + kGitRevision +
                     "\nchecksum of " + index.string() + ": " + dataset + "\n";
  for (const auto& setting : config::describe(config)) {
    text += setting.path + ": " + setting.default_value + "\n";
  }
  return text;
}

// The first line in which two descriptions differ.
std::string first_difference(const std::string& first, const std::string& other,
                             const std::string& rank) {
  std::istringstream lines(first), other_lines(other);
  std::string line, other_line;
  while (std::getline(lines, line) && std::getline(other_lines, other_line)) {
    if (line != other_line) {
      return "'" + line + "' on rank 0, '" + other_line + "' on rank " + rank;
    }
  }
  return "rank 0 and rank " + rank + " have other numbers of settings";
}

}  // namespace

void check_same_everywhere(distributed::ProcessGroup& group, const RunConfig& config) {
  if (group.alone()) {
    return;
  }
  const auto all = group.gather(description(config), "settings");
  for (size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] != all[0]) {
      throw Error("the processes were not started alike: " +
                  first_difference(all[0], all[rank], std::to_string(rank)) +
                  ". Give all ranks the same program, config, overrides and dataset.");
    }
  }
}

}  // namespace moca::experiment
