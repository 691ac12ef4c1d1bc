#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "moca/core/file_io.h"
#include "moca/image/image_io.h"
#include "moca/image/resize.h"
#include "tests/image/random_image.h"
#include "tests/support/python_script.h"
#include "tests/support/temporary_folder.h"

// Pillow and OpenCV themselves say what their bits are, where they are installed.
namespace moca {
namespace {

struct Case {
  std::string name;
  Image image;
  int width = 0;
  int height = 0;
};

// Runs the cases through reference_resize.py.
testing::ScriptRun run_reference(const testing::TemporaryFolder& folder, const std::string& method,
                                 const std::vector<Case>& cases) {
  std::string list;
  for (const Case& entry : cases) {
    write_png(folder / (entry.name + ".png"), entry.image);
    list += method + " " + entry.name + " " + std::to_string(entry.width) + " " +
            std::to_string(entry.height) + "\n";
  }
  write_file(folder / "cases.txt", list);
  return testing::run_script("tests/image/reference_resize.py", "'" + folder.path().string() + "'");
}

// Sizes up, down, mixed, kept along one axis and by whole factors.
std::vector<Case> cases_of(int max_input, bool may_grow) {
  std::mt19937 engine(11);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(engine);
  };
  std::vector<Case> cases;
  const auto add = [&](int from_width, int from_height, int width, int height) {
    const auto index = static_cast<uint32_t>(cases.size());
    cases.push_back({"case" + std::to_string(index),
                     testing::random_image(from_width, from_height, index % 3 == 0 ? 1 : 3, index),
                     width, height});
  };
  for (int i = 0; i < 120; ++i) {
    const int width = draw(1, max_input);
    const int height = draw(1, max_input);
    add(width, height, draw(1, may_grow ? max_input : width),
        draw(1, may_grow ? max_input : height));
    if (i % 10 == 0) {
      add(width, height, width, draw(1, height));
      add(width, height, draw(1, width), height);
    }
  }
  for (int factor = 1; factor < 6; ++factor) {
    add(12 * factor, 7 * factor, 12, 7);
    add(12 * factor, 7 * (factor + 1), 12, 7);
  }
  return cases;
}

void expect_bits_of(const std::string& method, const std::vector<Case>& cases,
                    Image (*resize)(const Image&, int, int)) {
  const testing::TemporaryFolder folder;
  const auto run = run_reference(folder, method, cases);
  if (run.code == testing::kPackageMissing) {
    GTEST_SKIP() << run.output;
  }
  ASSERT_EQ(run.code, 0) << run.output;
  for (const Case& entry : cases) {
    const Image expected = read_image(folder / (entry.name + "." + method + ".png"));
    const Image actual = resize(entry.image, entry.width, entry.height);
    ASSERT_EQ(actual.pixels.size(), expected.pixels.size());
    EXPECT_EQ(actual.pixels, expected.pixels)
        << entry.image.width << " x " << entry.image.height << " x " << entry.image.channels
        << " to " << entry.width << " x " << entry.height;
  }
}

TEST(ResizeBicubic, GivesPillowsBits) {
  expect_bits_of("bicubic", cases_of(90, true), resize_bicubic);
}

TEST(ResizeArea, GivesOpenCvsBitsWhenShrinking) {
  expect_bits_of("area", cases_of(90, false), resize_area);
}

}  // namespace
}  // namespace moca
