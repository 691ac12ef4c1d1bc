#include "moca/data/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/core/file_io.h"
#include "moca/data/asset_source.h"
#include "tests/support/refusal.h"
#include "tests/support/tiny_dataset.h"

namespace moca::data {
namespace {

namespace fs = std::filesystem;

class Preparation : public ::testing::Test {
 protected:
  Preparation() : config_(testing::tiny_data_config(folder_)) {}

  testing::TemporaryFolder folder_;
  DataConfig config_;
};

TEST_F(Preparation, MakesEveryAssetOfTheSourceInItsOrder) {
  prepare_dataset(config_, "");
  const auto source = open_source(config_);
  const PreparedDataset dataset(config_.path);
  ASSERT_EQ(static_cast<int64_t>(dataset.records().size()), source.count());
  for (int64_t i = 0; i < source.count(); ++i) {
    EXPECT_EQ(dataset.records()[i].id, source.entries[i].id);
    EXPECT_EQ(dataset.records()[i].split, source.entries[i].split);
    EXPECT_EQ(dataset.records()[i].stream, stream_of(source.entries[i]));
  }
}

TEST_F(Preparation, RefusesAPlaceThatHoldsADatasetAndLeavesItAsItIs) {
  prepare_dataset(config_, "");
  const auto before = read_file(fs::path(config_.path) / "index.json");
  EXPECT_THAT(testing::refusal([&] { prepare_dataset(config_, ""); }),
              ::testing::HasSubstr(config_.path));
  EXPECT_EQ(read_file(fs::path(config_.path) / "index.json"), before);
}

TEST_F(Preparation, LeavesNothingBehindWhereASettingIsWrong) {
  config_.views.images = folder_ / "no_images";
  EXPECT_THAT(testing::refusal([&] { prepare_dataset(config_, ""); }),
              ::testing::HasSubstr("data.views.images: no folder at "));
  EXPECT_FALSE(fs::exists(config_.path));
}

TEST_F(Preparation, TellsWhichFolderIsNotReadBecauseOfTheChosenSource) {
  config::set(config_, {"meshes.folder=chairs"});
  ::testing::internal::CaptureStderr();
  prepare_dataset(config_, "");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::HasSubstr("data.meshes.folder (chairs) is not read: data.source is "
                                   "procedural. For its meshes set data.source=meshes."));
}

}  // namespace
}  // namespace moca::data
