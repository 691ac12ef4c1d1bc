#include <gtest/gtest.h>

#include <filesystem>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/image/image_io.h"
#include "tests/support/python_script.h"
#include "tests/support/temporary_folder.h"

namespace moca {
namespace {

namespace fs = std::filesystem;

// Pillow itself writes the files and says what their pixels are.
class PillowsJpegs : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto run =
        testing::run_script("tests/image/reference_jpeg.py", "'" + folder_.path().string() + "'");
    if (run.code == testing::kPackageMissing) {
      GTEST_SKIP() << run.output;
    }
    ASSERT_EQ(run.code, 0) << run.output;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(PillowsJpegs, AreDecodedToPillowsBits) {
  int num_read = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    if (entry.path().extension() != ".jpg") {
      continue;
    }
    const Image ours = read_image(entry.path());
    const Image pillows = read_image(fs::path(entry.path()).replace_extension(".png"));
    EXPECT_EQ(ours.channels, pillows.channels) << entry.path();
    EXPECT_EQ(ours.pixels, pillows.pixels) << entry.path();
    ++num_read;
  }
  EXPECT_EQ(num_read, 180);
}

TEST_F(PillowsJpegs, AreRefusedWhereTheirDataEndEarlyWithAnEndMarkerPutBehind) {
  const auto file = folder_ / "64x47_RGB_subsampling2_quality75.jpg";
  const auto whole = read_file(file);
  for (const size_t length : {whole.size() / 2, whole.size() * 3 / 4}) {
    write_file(file, whole.substr(0, length) + "\xFF\xD9");
    EXPECT_THROW(read_image(file), Error) << length << " of " << whole.size() << " bytes";
  }
}

}  // namespace
}  // namespace moca
