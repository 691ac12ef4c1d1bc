#include "moca/experiment/run_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "moca/config/arity.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "tests/support/temporary_folder.h"

namespace moca::experiment {
namespace {

using ::testing::HasSubstr;

std::vector<std::filesystem::path> config_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           std::filesystem::path(MOCA_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path());
    }
  }
  return files;
}

TEST(RunConfig, ListsEveryMemberOfEverySection) {
  EXPECT_THAT(config::miscounted_sections<RunConfig>(), ::testing::IsEmpty());
}

TEST(RunConfig, EveryFileInConfigsLoads) {
  ASSERT_GE(config_files().size(), 4U);
  for (const auto& file : config_files()) {
    EXPECT_NO_THROW(load_config(file, {})) << file;
  }
}

TEST(RunConfig, IsTheSameAfterDumpAndLoad) {
  const testing::TemporaryFolder folder;
  for (const auto& file : config_files()) {
    const auto text = config::dump(load_config(file, {}));
    write_file(folder / "config.yaml", text);
    EXPECT_EQ(config::dump(load_run(folder.path())), text) << file;
  }
}

TEST(RunConfig, TakesItsNameFromTheFile) {
  EXPECT_EQ(
      load_config(std::filesystem::path(MOCA_SOURCE_DIR) / "configs/quickstart.yaml", {}).name,
      "quickstart");
}

TEST(RunConfig, ConfigsReadmeHoldsEverySetting) {
  const auto settings = config::settings_markdown(config::describe(RunConfig()));
  EXPECT_THAT(read_file(std::filesystem::path(MOCA_SOURCE_DIR) / "configs/README.md"),
              HasSubstr(settings))
      << "write the output of `moca settings --markdown` into configs/README.md";
}

TEST(RunConfig, RefusesADitWithoutAVae) {
  const testing::TemporaryFolder folder;
  write_file(folder / "a.yaml", "stage: dit\ndata: {path: d}\n");
  try {
    load_config(folder / "a.yaml", {});
    FAIL() << "a dit stage without vae_run was accepted";
  } catch (const Error& error) {
    EXPECT_THAT(
        error.what(),
        HasSubstr("vae_run is empty: stage dit needs the folder of a run that trained the VAE"));
  }
}

TEST(RunConfig, RefusesMoreComponentsThanIds) {
  const testing::TemporaryFolder folder;
  write_file(folder / "a.yaml", "vae_run: v\ndata: {path: d, max_components: 60}\n");
  EXPECT_THROW(load_config(folder / "a.yaml", {}), Error);
}

}  // namespace
}  // namespace moca::experiment
