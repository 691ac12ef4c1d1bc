#include "moca/image/image_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "tests/support/shared_folder.h"
#include "tests/support/temporary_folder.h"

namespace moca {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// In a folder of this process alone: shares of this program run side by side.
fs::path scratch(const std::string& name) {
  static const testing::TemporaryFolder folder;
  return folder / name;
}

Image noise(int width, int height, int channels) {
  Image image(width, height, channels);
  std::mt19937 engine(7);
  for (uint8_t& value : image.pixels) {
    value = static_cast<uint8_t>(engine());
  }
  return image;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string error_of(const fs::path& file) {
  try {
    read_image(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class PngRoundTrip : public ::testing::TestWithParam<int> {};

TEST_P(PngRoundTrip, KeepsEveryPixelAndTheChannels) {
  const Image image = noise(37, 19, GetParam());
  const fs::path file = scratch("round_trip.png");
  write_png(file, image);
  const Image read = read_image(file);
  EXPECT_EQ(read.width, 37);
  EXPECT_EQ(read.height, 19);
  EXPECT_EQ(read.channels, GetParam());
  EXPECT_EQ(read.pixels, image.pixels);
  EXPECT_EQ(bytes_of(file), encode_png(image));
}

INSTANTIATE_TEST_SUITE_P(Channels, PngRoundTrip, ::testing::Values(1, 3, 4));

TEST(ReadImage, RefusesAPngCutOffAnywhere) {
  const std::string whole = encode_png(noise(24, 24, 3));
  const fs::path file = scratch("cut.png");
  for (size_t length = 0; length + 12 < whole.size(); length += 7) {
    write_file(file, whole.substr(0, length));
    EXPECT_THROW(read_image(file), Error) << length << " of " << whole.size() << " bytes";
  }
}

TEST(ReadImage, RefusesWhatIsNoPictureInOneLine) {
  write_file(scratch("text.png"), "not a picture");
  for (const fs::path& file : {scratch("text.png"), scratch("missing.png"), scratch("")}) {
    const std::string message = error_of(file);
    EXPECT_THAT(message, HasSubstr(file.string()));
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) {
    bytes += static_cast<char>(value >> shift);
  }
  return bytes;
}

// The checksum of PNG's chunks.
uint32_t crc32(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
    }
  }
  return ~crc;
}

// A PNG whose header promises another size than its few bytes hold.
std::string png_that_promises(uint32_t width, uint32_t height, int channels) {
  std::string bytes = encode_png(Image(1, 1, channels));
  bytes.replace(16, 8, big_endian(width) + big_endian(height));
  return bytes.replace(29, 4, big_endian(crc32(bytes.substr(12, 17))));
}

TEST(ReadImage, RefusesSizesBeforeItAllocatesThem) {
  write_file(scratch("wide.png"), png_that_promises(16385, 1, 1));
  EXPECT_THAT(error_of(scratch("wide.png")), HasSubstr("it has 16385 x 1 pixels"));
  write_file(scratch("large.png"), png_that_promises(16384, 16384, 3));
  EXPECT_THAT(error_of(scratch("large.png")), HasSubstr("the PNG is cut off"));
}

// An 8 x 8 picture of grey 90, written by Pillow.
const unsigned char kJpeg[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00, 0x00, 0x01,
    0x00, 0x01, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x1b, 0x12, 0x14, 0x17, 0x14, 0x11, 0x1b,
    0x17, 0x16, 0x17, 0x1e, 0x1c, 0x1b, 0x20, 0x28, 0x42, 0x2b, 0x28, 0x25, 0x25, 0x28, 0x51, 0x3a,
    0x3d, 0x30, 0x42, 0x60, 0x55, 0x65, 0x64, 0x5f, 0x55, 0x5d, 0x5b, 0x6a, 0x78, 0x99, 0x81, 0x6a,
    0x71, 0x90, 0x73, 0x5b, 0x5d, 0x85, 0xb5, 0x86, 0x90, 0x9e, 0xa3, 0xab, 0xad, 0xab, 0x67, 0x80,
    0xbc, 0xc9, 0xba, 0xa6, 0xc7, 0x99, 0xa8, 0xab, 0xa4, 0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 0x08,
    0x00, 0x08, 0x01, 0x01, 0x11, 0x00, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0xff, 0xc4, 0x00, 0x14,
    0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x3f, 0x00, 0x23, 0xff, 0xd9,
};

TEST(ReadImage, ReadsAJpegAndRefusesItCutOffAnywhere) {
  const std::string whole(reinterpret_cast<const char*>(kJpeg), sizeof(kJpeg));
  const fs::path file = scratch("grey.jpg");
  write_file(file, whole);
  const Image image = read_image(file);
  EXPECT_EQ(image.channels, 1);
  EXPECT_EQ(image.width, 8);
  for (const uint8_t value : image.pixels) {
    EXPECT_NEAR(value, 90, 4);
  }
  for (size_t length = 0; length < whole.size(); ++length) {
    write_file(file, whole.substr(0, length));
    EXPECT_THROW(read_image(file), Error) << length << " of " << whole.size() << " bytes";
  }
}

TEST(ReadImage, RefusesAJpegThatTakesMoreThanAGigabyte) {
  std::string bytes(reinterpret_cast<const char*>(kJpeg), sizeof(kJpeg));
  const size_t header = bytes.find("\xff\xc0");
  bytes[header + 1] = '\xc2';  // progressive: all coefficients are kept
  bytes.replace(header + 5, 4, "\x4e\x20\x4e\x20");
  write_file(scratch("large.jpg"), bytes);
  EXPECT_THAT(error_of(scratch("large.jpg")), HasSubstr("it has 20000 x 20000 pixels"));
  bytes.replace(header + 5, 4, std::string("\x40\x00\x40\x00", 4));
  write_file(scratch("large.jpg"), bytes);
  EXPECT_THAT(error_of(scratch("large.jpg")), HasSubstr("large.jpg"));
}

TEST(ReadImage, ReadsEveryExamplePicture) {
  const fs::path folder = testing::shared_folder() / "data" / "images";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "no example pictures in " << folder;
  }
  int num_read = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    if (ending != ".png" && ending != ".jpg") {
      continue;
    }
    const Image image = read_image(entry.path());
    EXPECT_EQ(image.pixels.size(), size_t{1} * image.width * image.height * image.channels);
    ++num_read;
  }
  EXPECT_GT(num_read, 0);
}

TEST(WriteFile, LeavesNoTemporaryFileAndReplacesTheOldOne) {
  const fs::path folder = scratch("write_file");
  fs::remove_all(folder);
  fs::create_directories(folder);
  write_file(folder / "a", "old and longer");
  write_file(folder / "a", "new");
  EXPECT_EQ(bytes_of(folder / "a"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST(WriteFile, RefusesAMissingFolderAndAFolderInPlaceOfAFile) {
  EXPECT_THROW(write_file(scratch("nowhere") / "a.png", "x"), Error);
  EXPECT_THROW(write_file(scratch(""), "x"), Error);
}

TEST(ToRgb, BlendsTransparencyOverTheBackground) {
  Image image(3, 1, 4);
  image.pixels = {200, 100, 0, 255, 200, 100, 0, 0, 200, 100, 0, 128};
  const Image rgb = to_rgb(image, 255);
  EXPECT_EQ(rgb.channels, 3);
  EXPECT_THAT(rgb.pixels, ElementsAre(200, 100, 0, 255, 255, 255, 227, 177, 127));
  EXPECT_THAT(to_rgb(image, 0).pixels, ElementsAre(200, 100, 0, 0, 0, 0, 100, 50, 0));
}

TEST(ToRgb, RepeatsGreyAndKeepsRgb) {
  EXPECT_THAT(to_rgb(Image(1, 1, 1, 9)).pixels, ElementsAre(9, 9, 9));
  const Image image = noise(4, 4, 3);
  EXPECT_EQ(to_rgb(image).pixels, image.pixels);
}

TEST(PadToSquare, CentresThePicture) {
  Image image(4, 2, 1, 7);
  const Image square = pad_to_square(image, 255);
  EXPECT_EQ(square.width, 4);
  EXPECT_EQ(square.height, 4);
  EXPECT_THAT(square.pixels,
              ElementsAre(255, 255, 255, 255, 7, 7, 7, 7, 7, 7, 7, 7, 255, 255, 255, 255));
}

}  // namespace
}  // namespace moca
