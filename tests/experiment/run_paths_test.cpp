#include "moca/experiment/run_paths.h"

#include <gtest/gtest.h>

#include "moca/config/schema.h"
#include "moca/core/file_io.h"
#include "tests/support/temporary_folder.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;

// A project with a dataset and a run whose config.yaml names it as a run's does.
class RunPaths : public ::testing::Test {
 protected:
  RunPaths() {
    fs::create_directories(project() / "datasets/d");
    RunConfig config;
    config.runs_folder = (project() / "runs").string();
    config.name = "r";
    config.vae_run = (project() / "runs/vae").string();
    config.data.path = (project() / "datasets/d").string();
    fs::create_directories(config.folder());
    write_file(config.folder() / "config.yaml", config::dump(with_absolute_paths(config)));
    write_file(config.folder() / "environment.json", "{}");
  }

  fs::path project() const { return folder_ / "project"; }

  testing::TemporaryFolder folder_;
};

TEST_F(RunPaths, OfARunAreAbsolute) {
  RunConfig config;
  config.vae_run = "runs/vae/";
  config.data.path = "../data/./tiny";
  config.pretrained.dit = "/models/dit";
  config::set(config.data, {"meshes.folder=scans"});
  const auto absolute = with_absolute_paths(config);
  const auto here = fs::current_path();
  EXPECT_EQ(absolute.vae_run, here / "runs/vae");
  EXPECT_EQ(absolute.data.path, here.parent_path() / "data/tiny");
  EXPECT_EQ(absolute.pretrained.dit, "/models/dit");
  EXPECT_NE(config::dump(absolute).find((here / "scans").string()), std::string::npos)
      << "a source's settings name places too";
  EXPECT_EQ(absolute.runs_folder, here / "runs");
  EXPECT_EQ(absolute.pretrained.vae, "") << "none is none";
}

TEST_F(RunPaths, AMovedProjectUsesItsOwnFolders) {
  const auto moved = folder_ / "moved";
  fs::rename(project(), moved);
  const auto config = load_run(moved / "runs/r");
  EXPECT_EQ(config.data.path, moved / "datasets/d");
  EXPECT_EQ(config.folder(), moved / "runs/r");
}

TEST_F(RunPaths, ACopiedProjectUsesItsOwnFoldersThoughTheOriginalIsThere) {
  fs::copy(project(), folder_ / "copy", fs::copy_options::recursive);
  EXPECT_EQ(load_run(folder_ / "copy/runs/r").data.path, folder_ / "copy/datasets/d");
  EXPECT_EQ(load_run(project() / "runs/r").data.path, project() / "datasets/d");
}

TEST_F(RunPaths, TrainingFromACopiedRunsConfigStaysInTheCopy) {
  fs::copy(project(), folder_ / "copy", fs::copy_options::recursive);
  const auto file = folder_ / "copy/runs/r/config.yaml";
  EXPECT_EQ(load_config(file, {}).folder(), folder_ / "copy/runs/r");
  EXPECT_EQ(load_config(file, {}).data.path, folder_ / "copy/datasets/d");
  EXPECT_EQ(load_config(file, {"name=again"}).folder(), folder_ / "copy/runs/again");
}

TEST_F(RunPaths, ARunThatIsMovedAloneKeepsItsInputs) {
  fs::rename(project() / "runs/r", folder_ / "alone");
  const auto config = load_run(folder_ / "alone");
  EXPECT_EQ(config.data.path, project() / "datasets/d");
  EXPECT_EQ(config.vae_run, project() / "runs/vae") << "it is nowhere: the stored path is named";
}

TEST_F(RunPaths, OverridesAreTakenAsTyped) {
  fs::rename(project(), folder_ / "moved");
  EXPECT_EQ(load_run(folder_ / "moved/runs/r", {"data.path=other"}).data.path, "other");
}

TEST_F(RunPaths, ThatAnOlderVersionStoredRelativeHoldBesideTheRun) {
  RunConfig config;
  config.name = "old";
  config.data.path = "datasets/d";
  config.vae_run = "runs/vae";
  fs::create_directories(project() / "runs/old");
  write_file(project() / "runs/old/config.yaml", config::dump(config));
  EXPECT_EQ(load_run(project() / "runs/old").data.path, project() / "datasets/d");
}

}  // namespace
}  // namespace moca::experiment
