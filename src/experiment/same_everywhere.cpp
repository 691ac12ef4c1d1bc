#include "moca/experiment/same_everywhere.h"

#include <algorithm>
#include <sstream>

#include "build_info.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca::experiment {
namespace {

std::string trimmed(const std::string& line) {
  return line.substr(std::min(line.find_first_not_of(' '), line.size()));
}

// What must be equal, one thing a line, the settings last.
std::string description(const RunConfig& config) {
  const auto index = std::filesystem::path(config.data.path) / "index.json";
  std::string dataset = "missing";
  if (std::filesystem::exists(index)) {
    dataset = std::to_string(sum_of_file(index).crc32c);
  }
  return std::string("program: moca ") + kVersion + " " + kGitRevision + "\nchecksum of " +
         index.string() + ": " + dataset + "\n" + config::dump(config);
}

}  // namespace

std::string first_difference(const std::string& a, const std::string& b, const std::string& where_a,
                             const std::string& where_b) {
  std::istringstream lines_a(a), lines_b(b);
  std::string line_a, line_b;
  while (std::getline(lines_a, line_a) && std::getline(lines_b, line_b)) {
    if (line_a != line_b) {
      std::ostringstream text;
      text << "'" << trimmed(line_a) << "' " << where_a << ", '" << trimmed(line_b) << "' "
           << where_b;
      return text.str();
    }
  }
  return "they have different lengths";
}

void check_same_everywhere(distributed::ProcessGroup& group, const RunConfig& config) {
  if (group.alone()) {
    return;
  }
  const auto all = group.gather(description(config), "settings");
  for (size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] != all[0]) {
      throw Error(
          "the processes were not started alike: " +
          first_difference(all[0], all[rank], "on rank 0", "on rank " + std::to_string(rank)) +
          ". Give all ranks the same program, config, overrides and dataset.");
    }
  }
}

}  // namespace moca::experiment
