#include "moca/data/dataset_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "moca/config/schema.h"
#include "tests/support/refusal.h"
#include "tests/support/tiny_dataset.h"

namespace moca::data {
namespace {

TEST(DatasetSettings, AreThoseItWasMadeWithAndItsLargestAsset) {
  const testing::TemporaryFolder folder;
  const auto config = testing::tiny_data_config(folder);
  prepare_dataset(config, config::dump(config));
  const auto settings = read_dataset_settings(config.path);
  ASSERT_TRUE(settings.made_by.has_value());
  EXPECT_EQ(config::dump(*settings.made_by), config::dump(config));
  EXPECT_EQ(settings.image_size, 16);
  int64_t most = 0;
  for (const auto& record : PreparedDataset(config.path).records()) {
    most = std::max(most, record.num_components());
    if (record.id == settings.largest_asset) {
      EXPECT_EQ(record.num_components(), settings.most_components);
    }
  }
  EXPECT_EQ(settings.most_components, most);
}

TEST(DatasetSettings, ThatCannotBeReadAreWarnedAboutAndMissing) {
  const testing::TemporaryFolder folder;
  const auto config = testing::tiny_data_config(folder);
  prepare_dataset(config, "no_such_setting: 1\n");
  ::testing::internal::CaptureStderr();
  const auto settings = read_dataset_settings(config.path);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::AllOf(::testing::HasSubstr("no_such_setting"),
                               ::testing::HasSubstr("are not compared with the config's")));
  EXPECT_FALSE(settings.made_by.has_value());
  EXPECT_EQ(settings.image_size, 16);
}

TEST(DatasetSettings, OfAFolderWithoutADatasetAreRefused) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(testing::refusal([&] { read_dataset_settings(folder / "none"); }),
              ::testing::HasSubstr("no prepared dataset at "));
}

}  // namespace
}  // namespace moca::data
