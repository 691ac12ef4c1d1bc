// Pictures of every kind against what they were made of, or what Pillow makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/image/image_io.h"
#include "tests/support/python_script.h"
#include "tests/support/shared_folder.h"
#include "tests/support/temporary_folder.h"

namespace moca {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

int largest_difference(const Image& a, const Image& b) {
  int largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  }
  return largest;
}

bool same_shape(const Image& a, const Image& b) {
  return a.width == b.width && a.height == b.height && a.channels == b.channels;
}

std::string refusal_of(const std::string& bytes) {
  try {
    decode_image(bytes, "some.png");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class ReferencePictures : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto run = testing::run_script("tests/image/reference_pictures.py",
                                         "'" + folder_.path().string() + "'");
    if (run.code == testing::kPackageMissing) {
      GTEST_SKIP() << run.output;
    }
    ASSERT_EQ(run.code, 0) << run.output;
  }

  // NAME.WIDTH.HEIGHT.CHANNELS.raw
  static Image expected(const fs::path& raw) {
    const auto number = [](fs::path& name) {
      const int value = std::stoi(name.extension().string().substr(1));
      name = name.stem();
      return value;
    };
    fs::path name = raw.stem();
    Image image;
    image.channels = number(name);
    image.height = number(name);
    image.width = number(name);
    const auto bytes = read_file(raw);
    image.pixels.assign(bytes.begin(), bytes.end());
    return image;
  }

  fs::path picture_of(const fs::path& raw) const {
    const auto name = raw.filename().string();
    for (const char* extension : {".png", ".jpg", ".webp"}) {
      const auto file = folder_ / (name.substr(0, name.find('.')) + extension);
      if (fs::exists(file)) {
        return file;
      }
    }
    return {};
  }

  testing::TemporaryFolder folder_;
};

TEST_F(ReferencePictures, AreReadToTheBit) {
  int num_read = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    if (entry.path().extension() != ".raw") {
      continue;
    }
    const auto file = picture_of(entry.path());
    const Image theirs = expected(entry.path());
    const Image ours = read_image(file);
    ASSERT_TRUE(same_shape(ours, theirs))
        << file << ": " << ours.width << " x " << ours.height << " x " << ours.channels;
    EXPECT_EQ(largest_difference(ours, theirs), 0) << file;
    ++num_read;
  }
  EXPECT_EQ(num_read, 87);
}

TEST_F(ReferencePictures, AreRefusedWhereverTheyAreCutOff) {
  for (const char* name : {"type3_4_bits_interlaced_key.png", "jpeg_cmyk_progressive.jpg",
                           "jpeg_orientation_6.jpg", "webp_40.webp", "webp_alpha.webp"}) {
    const auto whole = read_file(folder_ / name);
    for (size_t length = 0; length + 12 < whole.size(); length += 5) {
      EXPECT_THAT(refusal_of(whole.substr(0, length)),
                  AllOf(HasSubstr("some.png"), HasSubstr("Expected a whole PNG, JPEG or WebP")))
          << name << ", " << length << " of " << whole.size() << " bytes";
    }
  }
}

TEST_F(ReferencePictures, NeverCrashWhereABitIsWrong) {
  for (const char* name : {"type3_4_bits_interlaced_key.png", "type0_16_bits_key.png",
                           "jpeg_cmyk_progressive.jpg", "jpeg_orientation_6.jpg",
                           "png_orientation_8.png", "webp_40.webp", "webp_orientation_5.webp"}) {
    const auto whole = read_file(folder_ / name);
    int num_read = 0;
    for (size_t i = 0; i < whole.size(); ++i) {
      auto damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << i % 8));
      num_read += refusal_of(damaged).empty() ? 1 : 0;
    }
    EXPECT_LT(num_read, static_cast<int>(whole.size())) << name << ": no damage was seen";
  }
}

TEST(DecodeImage, RefusesWhatItDoesNotReadByTheFormatsName) {
  EXPECT_THAT(refusal_of("GIF89a........"), HasSubstr("in the format GIF"));
  EXPECT_THAT(refusal_of("BM............"), HasSubstr("in the format BMP"));
  EXPECT_THAT(refusal_of(std::string("II*\0....", 8)), HasSubstr("in the format TIFF"));
  EXPECT_THAT(refusal_of(std::string("\0\0\0\x1c"
                                     "ftypheic",
                                     12)),
              HasSubstr("in the format HEIC"));
  EXPECT_THAT(refusal_of("no picture"), HasSubstr("its bytes are no image's"));
  EXPECT_THAT(refusal_of(""), HasSubstr("its bytes are no image's"));
}

// The cases of the reference data: each picture that Pillow reads beside what it makes of it.
TEST(PicturesOfTheCases, AreReadAsPillowReadsThem) {
  const fs::path folder = testing::shared_folder() / "cases" / "images";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "no " << folder;
  }
  int num_read = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto stem = entry.path().stem().string();
    const auto reference = folder / (stem + "_ref.png");
    if (stem.ends_with("_ref") || !fs::exists(reference)) {
      continue;
    }
    const auto ours = to_rgb(read_image(entry.path()));
    const auto theirs = to_rgb(read_image(reference));
    ASSERT_TRUE(same_shape(ours, theirs)) << entry.path();
    EXPECT_LE(largest_difference(ours, theirs), entry.path().extension() == ".jpg" ? 2 : 0)
        << entry.path();
    ++num_read;
  }
  EXPECT_GE(num_read, 14);
}

TEST(PicturesOfTheCases, AreReadOrRefusedInOneLineWithoutAReferenceToo) {
  const fs::path folder = testing::shared_folder() / "cases" / "images";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "no " << folder;
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    try {
      EXPECT_FALSE(read_image(entry.path()).pixels.empty()) << entry.path();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(entry.path().string()));
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace moca
