#include "moca/generation/image_conditioner.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"

namespace moca::generation {
namespace {

using testing::all_close;

TEST(ImageToInput, KeepsThePixelsOfAImageOfTheRightSize) {
  Image exact(16, 16, 3);
  for (size_t i = 0; i < exact.pixels.size(); ++i) {
    exact.pixels[i] = static_cast<uint8_t>(i % 251);
  }
  const auto kept = image_to_input(exact, 16);
  EXPECT_EQ(kept.sizes(), at::IntArrayRef({3, 16, 16}));
  EXPECT_NEAR(kept[1][2][3].item<double>(), (exact.at(3, 2)[1] / 255.0 - 0.456) / 0.224, 1e-5);
}

TEST(ImageToInput, PadsToASquareOnWhite) {
  const auto wide = image_to_input(Image(20, 10, 3, 0), 16);
  EXPECT_NEAR(wide[0][0][8].item<double>(), (1.0 - 0.485) / 0.229, 1e-5) << "above";
  EXPECT_NEAR(wide[0][15][8].item<double>(), (1.0 - 0.485) / 0.229, 1e-5) << "below";
  EXPECT_NEAR(wide[0][8][8].item<double>(), (0.0 - 0.485) / 0.229, 1e-5) << "the image";
  const auto high = image_to_input(Image(10, 20, 3, 0), 16);
  EXPECT_TRUE(all_close(high, wide.transpose(1, 2), 1e-6));
}

}  // namespace
}  // namespace moca::generation
