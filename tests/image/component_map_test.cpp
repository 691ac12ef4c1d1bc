#include "moca/image/component_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/image/image_io.h"
#include "tests/support/python_script.h"
#include "tests/support/refusal.h"
#include "tests/support/shared_folder.h"
#include "tests/support/temporary_folder.h"

namespace moca {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using testing::refusal;

std::string refusal_to_read(const fs::path& file) {
  return refusal([&] { read_component_map(file); });
}

ComponentMap map_of(const std::vector<uint16_t>& pixels) {
  ComponentMap map(static_cast<int>(pixels.size()), 1, 1);
  map.pixels = pixels;
  return map;
}

TEST(ReadComponentMap, TakesGreyAndPaletteNumbersAsStoredWhateverTheirDepth) {
  const testing::TemporaryFolder folder;
  const auto run =
      testing::run_script("tests/image/reference_pictures.py", "'" + folder.path().string() + "'");
  if (run.code == testing::kPackageMissing) {
    GTEST_SKIP() << run.output;
  }
  ASSERT_EQ(run.code, 0) << run.output;
  int num_read = 0;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    if (entry.path().extension() != ".numbers") {
      continue;
    }
    const auto bytes = read_file(entry.path());
    std::vector<uint16_t> expected(bytes.size() / 2);
    std::memcpy(expected.data(), bytes.data(), bytes.size());
    const auto map = read_component_map(fs::path(entry.path()).replace_extension(".png"));
    EXPECT_EQ(map.channels, 1);
    EXPECT_THAT(map.pixels, ElementsAreArray(expected)) << entry.path();
    ++num_read;
  }
  EXPECT_EQ(num_read, 36);
  for (const char* name : {"type2_8_bits.png", "type4_8_bits.png", "type6_16_bits.png",
                           "jpeg_cmyk_90.jpg", "webp_40.webp"}) {
    EXPECT_THAT(refusal_to_read(folder / name),
                AllOf(HasSubstr(name), HasSubstr("Give a PNG of one channel, grey or palette")));
  }
}

TEST(ReadComponentMap, SaysWhatIsWrongWithAFile) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(refusal_to_read(folder / "none.png"), HasSubstr("there is no such file"));
  write_png(folder / "rgb.png", Image(2, 2, 3));
  EXPECT_THAT(refusal_to_read(folder / "rgb.png"), HasSubstr("it holds colours (RGB)"));
  write_png(folder / "rgba.png", Image(2, 2, 4));
  EXPECT_THAT(refusal_to_read(folder / "rgba.png"), HasSubstr("it has an alpha channel"));
  write_file(folder / "cut.png", encode_png(Image(9, 9, 1, 1)).substr(0, 50));
  EXPECT_THAT(refusal_to_read(folder / "cut.png"), HasSubstr("the PNG is cut off"));
  write_file(folder / "picture.jpg", "\xFF\xD8\xFF");
  EXPECT_THAT(refusal_to_read(folder / "picture.jpg"), HasSubstr("a JPEG does not keep numbers"));
}

TEST(WithoutGaps, NumbersTheComponentsThatOccurInTheirOrder) {
  EXPECT_THAT(without_gaps(map_of({7, 0, 2, 7, 300}), "").pixels, ElementsAre(2, 0, 1, 2, 3));
  EXPECT_THAT(without_gaps(map_of({0, 255, 0}), "").pixels, ElementsAre(0, 1, 0));
  EXPECT_THAT(without_gaps(map_of({2, 1, 0}), "").pixels, ElementsAre(2, 1, 0));
  EXPECT_THAT(without_gaps(map_of({253, 254, 255}), "").pixels, ElementsAre(1, 2, 3));
}

TEST(WithoutGaps, RefusesAMapThatMarksNothingOrWhoseBackgroundIsUncertain) {
  EXPECT_THAT(refusal([] {
                without_gaps(map_of({0, 0}), "zero.png");
              }),
              AllOf(HasSubstr("zero.png marks no component"), HasSubstr("all 0")));
  for (const uint16_t top : {255, 65535}) {
    EXPECT_THAT(refusal([&] {
                  without_gaps(map_of({0, 1, top}), "m.png");
                }),
                AllOf(HasSubstr("m.png holds 1, " + std::to_string(top)), HasSubstr("Write 0")));
  }
}

TEST(MapsOfTheCases, AreReadOrRefusedByFormat) {
  const fs::path folder = testing::shared_folder() / "cases" / "maps";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "no " << folder;
  }
  const auto reference = read_component_map(folder / "map_00_ref.png");
  EXPECT_THAT(numbers_in(reference), ElementsAre(1, 2));
  for (const char* name : {"map_01_palette.png", "map_02_16bit.png", "map_06_gap.png"}) {
    const auto map = without_gaps(read_component_map(folder / name), name);
    EXPECT_EQ(map.pixels, reference.pixels) << name;
  }
  EXPECT_THAT(refusal_to_read(folder / "map_03_rgb.png"), HasSubstr("colours"));
  EXPECT_THAT(refusal_to_read(folder / "map_04_la.png"), HasSubstr("alpha"));
  EXPECT_THAT(refusal_to_read(folder / "map_08.jpg"), HasSubstr("JPEG"));
  for (const char* name : {"map_07_zero.png", "map_09_255_background.png"}) {
    const auto map = read_component_map(folder / name);
    EXPECT_THAT(refusal([&] { without_gaps(map, name); }), HasSubstr(name));
  }
}

}  // namespace
}  // namespace moca
