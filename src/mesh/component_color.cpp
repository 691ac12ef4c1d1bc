#include <algorithm>
#include <cmath>

#include "moca/mesh/renderer.h"

namespace moca::mesh {

Vec3 component_color(int index) {
  // Golden-angle hues with a cycle of five shades: the nearest hues (5, 8, 13 and 21 steps apart)
  // then either differ in shade or lie 32 degrees apart. The first 32 are at least 17 CIELAB units
  // from each other and 40 from white.
  struct Shade {
    float saturation;
    float value;
  };
  constexpr Shade kShades[5] = {
      {0.71F, 0.99F}, {0.52F, 0.82F}, {0.84F, 0.83F}, {0.87F, 0.58F}, {1.0F, 0.96F}};
  const Shade shade = kShades[index % 5];
  const float hue = std::fmod(0.58F + 0.61803399F * static_cast<float>(index), 1.0F) * 6.0F;
  Vec3 color;
  for (int c = 0; c < 3; ++c) {
    // HSV to RGB, one channel: Alvy Ray Smith, SIGGRAPH 1978, in its branchless form.
    const float k = std::fmod(5.0F - 2.0F * static_cast<float>(c) + hue, 6.0F);
    const float ramp = std::clamp(std::min(k, 4.0F - k), 0.0F, 1.0F);
    color[c] = shade.value * (1.0F - shade.saturation * ramp);
  }
  return color;
}

}  // namespace moca::mesh
