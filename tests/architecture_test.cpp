#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "tests/support/source_folder.h"

// The layer table of src/README.md is the truth about which folder may include which.
namespace moca {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

constexpr int kLongestFile = 350;  // lines

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(file);
  EXPECT_TRUE(stream) << file;
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

bool is_source(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".h" || extension == ".cpp" || extension == ".cu" || extension == ".cuh";
}

std::vector<fs::path> sources_below(const std::vector<std::string>& folders) {
  std::vector<fs::path> files;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(testing::source_folder() / folder)) {
      if (entry.is_regular_file() && is_source(entry.path())) {
        files.push_back(entry.path());
      }
    }
  }
  return files;
}

// "| 2 | `mesh` | ... |": folder to layer.
std::map<std::string, int> read_layers() {
  const std::regex row("^\\| *([0-9]+) *\\| *`([a-z_]+)` *\\|.*");
  std::map<std::string, int> layers;
  for (const std::string& line : lines_of(testing::source_folder() / "src" / "README.md")) {
    std::smatch cells;
    if (std::regex_match(line, cells, row)) {
      EXPECT_TRUE(layers.emplace(cells[2], std::stoi(cells[1])).second) << line;
    }
  }
  return layers;
}

// include/moca/<folder>/x.h and src/<folder>/x.cpp both belong to <folder>, as does <folder>/x.cpp.
std::string folder_of(const fs::path& file) {
  const fs::path relative = fs::relative(file, testing::source_folder());
  auto step = relative.begin();
  std::advance(step, *step == "include" ? 2 : *step == "src" ? 1 : 0);
  return step->string();
}

// The folders of `include "moca/<folder>/..."` lines and of those that name `benchmarks`; `code`
// may start with spaces and "# include".
std::vector<std::string> included_folders(const std::vector<std::string>& code) {
  const std::regex include("^\\s*#\\s*include\\s*[\"<](?:moca/([^/\">]+)|(benchmarks))/.*");
  std::vector<std::string> folders;
  for (const std::string& line : code) {
    std::smatch match;
    if (std::regex_match(line, match, include)) {
      folders.push_back(match[match[1].matched ? 1 : 2]);
    }
  }
  return folders;
}

// The folders that `code`, a file of `folder`, includes against the layers.
std::vector<std::string> forbidden_includes(const std::map<std::string, int>& layers,
                                            const std::string& folder,
                                            const std::vector<std::string>& code) {
  std::vector<std::string> forbidden;
  for (const std::string& other : included_folders(code)) {
    if (other != folder && (!layers.contains(folder) || !layers.contains(other) ||
                            layers.at(other) >= layers.at(folder))) {
      forbidden.push_back(other);
    }
  }
  return forbidden;
}

TEST(Architecture, TheTableListsEveryFolderOnce) {
  const auto layers = read_layers();
  ASSERT_FALSE(layers.empty());
  for (const fs::path& file : sources_below({"include/moca", "src"})) {
    EXPECT_TRUE(layers.contains(folder_of(file))) << file << " is in no folder of src/README.md";
  }
}

TEST(Architecture, IncludesGoStrictlyDown) {
  const auto layers = read_layers();
  size_t includes = 0;
  for (const fs::path& file : sources_below({"include/moca", "src", "benchmarks"})) {
    const auto code = lines_of(file);
    includes += included_folders(code).size();
    EXPECT_THAT(forbidden_includes(layers, folder_of(file), code), IsEmpty())
        << file << " includes these folders, which are not below its own (src/README.md)";
  }
  EXPECT_GT(includes, 0U);
}

TEST(Architecture, AnIncludeUpwardsOrSidewaysIsFound) {
  const std::map<std::string, int> layers = {
      {"core", 0}, {"mesh", 1}, {"ops", 1}, {"benchmarks", 2}};
  const auto found = [&](const std::string& folder, const std::string& line) {
    return forbidden_includes(layers, folder, {line}).size();
  };
  EXPECT_EQ(found("mesh", "#include \"moca/core/error.h\""), 0U);
  EXPECT_EQ(found("mesh", "#include \"moca/mesh/mesh_io.h\""), 0U);
  EXPECT_EQ(found("core", "#include \"moca/mesh/mesh_io.h\""), 1U);
  EXPECT_EQ(found("mesh", "#include \"moca/ops/moc.h\""), 1U);
  EXPECT_EQ(found("mesh", "  # include <moca/nn/layers.h>"), 1U);
  EXPECT_EQ(found("mesh", "#include \"benchmarks/command/timing.h\""), 1U);
  EXPECT_EQ(found("benchmarks", "#include \"moca/ops/moc.h\""), 0U);
}

// The files README.md tells a newcomer to read.
TEST(Architecture, TheReadingListTakesTenMinutes) {
  size_t total = 0;
  for (const char* file :
       {"tools/train.cpp", "src/experiment/train_run.cpp", "src/training/trainer.cpp",
        "src/training/dit_training.cpp", "src/dit/moca_dit.cpp", "src/dit/moc_global_attention.cpp",
        "src/dit/component_router.cpp"}) {
    const auto lines = lines_of(testing::source_folder() / file);
    EXPECT_FALSE(lines.empty()) << file;
    total += lines.size();
  }
  EXPECT_LE(total, 900U);
}

TEST(Architecture, EveryUnitOfTrainingHasATestFileOfItsName) {
  for (const fs::path& file : sources_below({"src/training"})) {
    const auto test = file.stem().string() + "_test.cpp";
    if (file.extension() == ".cpp") {
      EXPECT_TRUE(fs::exists(testing::source_folder() / "tests/training" / test)) << test;
    }
  }
}

TEST(Architecture, EveryFolderOfTestsIsBuilt) {
  const fs::path tests = testing::source_folder() / "tests";
  std::string listed;
  for (const auto& line : lines_of(tests / "CMakeLists.txt")) {
    listed += line + "\n";
  }
  for (const auto& file : fs::recursive_directory_iterator(tests)) {
    const auto folder = file.path().parent_path();
    if (folder != tests && file.path().filename().string().ends_with("_test.cpp")) {
      const auto name = folder.filename().string();
      EXPECT_TRUE(listed.find("moca_test(" + name) != std::string::npos ||
                  listed.find("add_subdirectory(" + name) != std::string::npos)
          << file.path() << " is in a folder that tests/CMakeLists.txt does not name";
    }
  }
}

TEST(Architecture, NoFileIsTooLong) {
  for (const fs::path& file : sources_below({"include", "src", "tools", "benchmarks"})) {
    EXPECT_LE(lines_of(file).size(), kLongestFile) << file;
  }
}

}  // namespace
}  // namespace moca
