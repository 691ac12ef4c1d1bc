// Cabinets (a body with doors and drawers on its front) and shelves (boards between sides).
#include <algorithm>

#include "families.h"

namespace moca::procedural {
namespace {

struct Cabinet : AssetBuilder {
  void build() {
    if (feet) {
      const StickStyle style = draw_stick_style();
      for (const float z : {0.75F, -0.75F}) {
        const Vec3 foot(half.x() - 0.12F, 0, z * half.z());
        add_pair(feet, stick(style, foot, foot + up(0.2F), 0.08F));
      }
      bottom += 0.19F;
    }
    add(plinth, box({0.94F * half.x(), 0.06F, 0.94F * half.z()}, up(bottom + 0.06F)));
    bottom += plinth ? 0.12F : 0.0F;
    add("body", kBrown, box(half, up(bottom + half.y())));
    float top = bottom + 2.0F * half.y();
    add_fronts();
    add(cover, box({half.x() + 0.05F, 0.05F, half.z() + 0.06F}, {0, top + 0.05F, 0.02F}));
    top += cover ? 0.1F : 0.0F;
    const int first_kind = random.integer(0, 2);
    for (int i = 0; i < things; ++i) {
      const Vec3 at(spread(i, 3, -0.65F * half.x()), top, 0);
      const float size = random.uniform(0.1F, 0.15F);
      add_kind(first_kind + i, {{"vase", kPurple,
                                 cone(0.7F * size, 1.2F * size, 1.5F * size, at + up(1.5F * size))},
                                {"globe", kTeal, sphere(1.2F * size, at + up(1.18F * size))},
                                {"crate", kOrange, box({1.2F * size, size, size}, at + up(size))}});
    }
  }

  void add_front(int index, const Vec3& center, const Vec3& size) {
    const int kind = size.y() > size.x() ? 0 : 1;
    add_kind(kind, {{"door", kSky, box(size, center)}, {"drawer", kLime, box(size, center)}});
    if (index < handles) {
      const float front = center.z() + size.z();
      const float x = center.x() + (index % 2 == 0 ? 0.6F : -0.6F) * size.x();
      const float length = std::min(0.12F, 0.5F * size.y());
      add_kind(kind, {{"handle", kDark, capsule(0.045F, length, {x, center.y(), front + 0.035F})},
                      {"knob", kRed, sphere(0.065F, {center.x(), center.y(), front + 0.055F})}});
    }
  }

  // Doors and drawers in rows of nearly equal length; a row holds at most as many as look like
  // doors.
  void add_fronts() {
    const int most_rows = std::min(num_fronts, half.x() > half.y() ? 3 : 5);
    const int fewest_rows = (num_fronts + 3) / 4;
    const int num_rows = random.integer(std::min(fewest_rows, most_rows), most_rows);
    const float margin = 0.05F;
    const float row_height = 2.0F * (half.y() - margin) / num_rows;
    int index = 0;
    for (int row = 0; row < num_rows; ++row) {
      const int in_row = (num_fronts + row) / num_rows;
      const float y = bottom + 2.0F * half.y() - margin - (row + 0.5F) * row_height;
      for (int i = 0; i < in_row; ++i) {
        const auto [x, width] = strip(i, in_row, half.x() - margin, 0.04F);
        add_front(index++, Vec3(x, y, half.z() + 0.03F),
                  Vec3(width, row_height / 2.0F - 0.02F, 0.04F));
      }
    }
  }

  const bool has_handle = count > 2 && random.chance(0.6F);
  // Doors and drawers with a handle, and without.
  Feature& handles = feature({.step = 2, .most = 12, .least = has_handle ? 1 : 0, .weight = 3});
  Feature& plain_fronts = feature({.most = 6, .least = has_handle ? 0 : 1, .weight = 0.8F});
  Feature& feet = feature("foot", kGrey, {.step = 4, .weight = 1.5F});
  Feature& cover = feature("top", kYellow);
  Feature& plinth = feature("plinth", kPink, {.weight = 0.7F});
  Feature& things = feature({.most = 3, .weight = 0.5F});  // on top
  const int num_extra = draw_plan(1);
  const int num_fronts = handles + plain_fronts;
  const bool is_low = random.chance(0.4F);
  const float half_height = is_low ? random.uniform(0.4F, 0.55F) : random.uniform(0.65F, 0.9F);
  const float half_width = is_low ? random.uniform(0.8F, 0.95F) : random.uniform(0.5F, 0.75F);
  const Vec3 half = {half_width, half_height, random.uniform(0.28F, 0.42F)};  // of the body
  float bottom = 0;
};

struct Shelf : AssetBuilder {
  void build() {
    add_frame();
    for (int i = 0; i < boards; ++i) {
      add(boards, box({half_width, kHalfBoard, half_depth}, up(board_height(i))));
    }
    if (boards > 1) {
      add_things();
    }
  }

  static constexpr float kHalfBoard = 0.05F;

  float board_height(int index) {
    const float low = has_sides ? kHalfBoard : 0.15F;
    const float high = height - (has_sides ? kHalfBoard : 0.12F);
    return boards == 1 ? 0.25F * height
                       : low + (high - low) * index / static_cast<float>(boards - 1);
  }

  void add_frame() {
    const float half_height = height / 2.0F;
    if (has_sides) {
      add_pair("side", kBrown,
               box({0.05F, half_height, half_depth}, {half_width + 0.05F, half_height, 0}));
    }
    const StickStyle style = draw_stick_style();
    for (int i = 0; on_posts && i < 4; ++i) {
      const Vec3 foot = corner(i, half_width + 0.03F, half_depth);
      add("post", kBrown, stick(style, foot, foot + up(height), 0.06F));
    }
    const float between = half_width - (on_posts ? 0.06F : 0.0F);
    add(back, box({between, half_height, 0.045F}, {0, half_height, -half_depth - 0.04F}));
  }

  // The vertical divider, if any, of gap `index` stands in its middle; things go left and right of
  // it.
  void add_things() {
    const int num_gaps = boards - 1;
    const float gap = (board_height(1) - board_height(0)) - 2.0F * kHalfBoard;
    const int num_placed = std::min<int>(dividers, num_gaps);
    for (int i = 0; i < num_placed; ++i) {
      const Vec3 middle = up(board_height(i) + kHalfBoard + gap / 2.0F);
      add(dividers, box({0.045F, gap / 2.0F, 0.9F * half_depth}, middle));
    }
    // Dividers without a gap of their own become things; there is room for both.
    const int num_things = things + dividers - num_placed;
    const int per_gap = (num_things + num_gaps - 1) / num_gaps;
    const int first_kind = random.integer(0, 2);
    const float slot = half_width / static_cast<float>(std::max((per_gap + 1) / 2, 1));
    for (int i = 0; i < num_things; ++i) {
      const int side = (i / num_gaps) % 2 == 0 ? -1 : 1;
      const int place = i / num_gaps / 2;
      const float x = side * (place + 0.5F) * slot;
      const float half = std::min(0.34F * slot, 0.16F);
      const float half_height = gap / 2.0F * random.uniform(0.5F, 0.9F);
      const Vec3 foot(x, board_height(i % num_gaps) + kHalfBoard, 0.1F * half_depth);
      const float radius = std::min(1.2F * half, half_height);
      add_kind(first_kind + i,
               {{"book", kRed, box({half, half_height, 0.7F * half_depth}, foot + up(half_height))},
                {"jar", kBlue, cylinder(half, 0.8F * half_height, foot + up(0.8F * half_height))},
                {"ball", kLime, sphere(radius, foot + up(0.98F * radius))}});
    }
  }

  const float half_width = random.uniform(0.5F, 0.8F);
  const float height = random.uniform(1.3F, 1.9F);
  const float half_depth = random.uniform(0.26F, 0.38F);
  const bool on_posts = count >= 6 && count <= 24 && random.chance(0.35F);
  const bool has_sides = count >= 4 && !on_posts;
  const int num_core_boards = count < 4 ? count - 1 : 2;
  // Enough gaps between the boards for the things that will stand on them.
  const int num_more = std::clamp((count - 8) / 6, 0, 4);
  Feature& boards = feature("board", kOrange,
                            {.most = 4, .least = num_more, .weight = 2, .times = num_core_boards});
  Feature& back = feature("back", kYellow, {.times = count < 4 ? 1 : 0});
  Feature& dividers = feature("divider", kTeal, {.most = on_posts ? 0 : 5});
  Feature& things = feature({.most = 20, .weight = 2});
  const int num_extra = draw_plan(on_posts ? 6 : 4);
};

}  // namespace

Components make_cabinet(const AssetBuilder& start) { return made_by<Cabinet>(start); }

Components make_shelf(const AssetBuilder& start) { return made_by<Shelf>(start); }

}  // namespace moca::procedural
