// Cabinets (a body with doors and drawers on its front) and shelves (boards between sides).
#include <algorithm>

#include "families.h"

namespace moca::procedural {
namespace {

struct Cabinet : Maker {
  void build(int count) {
    draw(count);
    if (has_feet) {
      const StickStyle style = draw_stick_style();
      for (const float z : {0.75F, -0.75F}) {
        const Vec3 foot(half_size.x() - 0.12F, 0, z * half_size.z());
        add_pair("foot", kGrey, stick(style, foot, foot + Vec3(0, 0.2F, 0), 0.08F));
      }
      bottom += 0.19F;
    }
    if (has_plinth) {
      add("plinth", kPink,
          box({0.94F * half_size.x(), 0.06F, 0.94F * half_size.z()}, {0, bottom + 0.06F, 0}));
      bottom += 0.12F;
    }
    add("body", kBrown, box(half_size, {0, bottom + half_size.y(), 0}));
    float top = bottom + 2.0F * half_size.y();
    add_fronts();
    if (has_top) {
      add("top", kYellow,
          box({half_size.x() + 0.05F, 0.05F, half_size.z() + 0.06F}, {0, top + 0.05F, 0.02F}));
      top += 0.1F;
    }
    const int first_kind = random.integer(0, 2);
    for (int i = 0; i < num_things; ++i) {
      add_thing((first_kind + i) % 3, Vec3(spread(i, 3, -0.65F * half_size.x()), top, 0));
    }
  }

  void draw(int count) {
    const bool with_handle = count > 2 && random.chance(0.6F);
    num_handles.least = with_handle ? 1 : 0;
    num_fronts.least = with_handle ? 0 : 1;
    draw_plan(count - 1,
              {&num_handles, &num_fronts, &has_feet, &has_top, &has_plinth, &num_things});
    num_fronts.times += num_handles;  // those with a handle were drawn together with it
    const bool is_low = random.chance(0.4F);
    half_size = is_low ? Vec3(random.uniform(0.8F, 0.95F), random.uniform(0.4F, 0.55F), 0)
                       : Vec3(random.uniform(0.5F, 0.75F), random.uniform(0.65F, 0.9F), 0);
    half_size.z() = random.uniform(0.28F, 0.42F);
  }

  void add_front(int index, const Vec3& center, const Vec3& half) {
    const bool is_tall = half.y() > half.x();
    add(is_tall ? "door" : "drawer", is_tall ? kSky : kLime, box(half, center));
    if (index >= num_handles) {
      return;
    }
    const float front = center.z() + half.z();
    if (is_tall) {
      const float x = center.x() + (index % 2 == 0 ? 0.6F : -0.6F) * half.x();
      add("handle", kDark,
          capsule(0.045F, std::min(0.12F, 0.5F * half.y()), {x, center.y(), front + 0.035F}));
    } else {
      add("knob", kRed, sphere(0.065F, {center.x(), center.y(), front + 0.055F}));
    }
  }

  // Doors and drawers in rows of nearly equal length; a row holds at most as many as look like
  // doors.
  void add_fronts() {
    const int count = num_fronts;
    const bool is_low = half_size.x() > half_size.y();
    const int most_rows = std::min(count, is_low ? 3 : 5);
    const int fewest_rows = (count + 3) / 4;
    const int num_rows = random.integer(std::min(fewest_rows, most_rows), most_rows);
    const float margin = 0.05F;
    const float row_height = 2.0F * (half_size.y() - margin) / num_rows;
    int index = 0;
    for (int row = 0; row < num_rows; ++row) {
      const int in_row = (count + row) / num_rows;
      const float y = bottom + 2.0F * half_size.y() - margin - (row + 0.5F) * row_height;
      for (int i = 0; i < in_row; ++i) {
        const auto [x, half_width] = strip(i, in_row, half_size.x() - margin, 0.04F);
        add_front(index++, Vec3(x, y, half_size.z() + 0.03F),
                  Vec3(half_width, row_height / 2.0F - 0.02F, 0.04F));
      }
    }
  }

  void add_thing(int kind, const Vec3& at) {
    const float size = random.uniform(0.1F, 0.15F);
    if (kind == 0) {
      add("vase", kPurple,
          cone(0.7F * size, 1.2F * size, 1.5F * size, at + Vec3(0, 1.5F * size, 0)));
    } else if (kind == 1) {
      add("globe", kTeal, sphere(1.2F * size, at + Vec3(0, 1.18F * size, 0)));
    } else {
      add("crate", kOrange, box({1.2F * size, size, size}, at + Vec3(0, size, 0)));
    }
  }

  Feature num_fronts = {.most = 6, .weight = 0.8F};
  Feature num_handles = {.step = 2, .most = 12, .weight = 3};  // on the first fronts
  Feature has_feet = {.step = 4, .weight = 1.5F};
  Feature has_top = {};
  Feature has_plinth = {.weight = 0.7F};
  Feature num_things = {.most = 3, .weight = 0.5F};  // on top
  Vec3 half_size = Vec3::Zero();
  float bottom = 0;
};

struct Shelf : Maker {
  void build(int count) {
    draw(count);
    add_frame();
    for (int i = 0; i < num_boards; ++i) {
      add("board", kOrange, box({half_width, kHalfBoard, half_depth}, {0, board_height(i), 0}));
    }
    if (num_boards > 1) {
      add_things();
    }
  }

  void draw(int count) {
    half_width = random.uniform(0.5F, 0.8F);
    height = random.uniform(1.3F, 1.9F);
    half_depth = random.uniform(0.26F, 0.38F);
    if (count < 4) {
      has_sides = false;
      has_back.times = 1;
      num_boards.times = count - 1;
      return;
    }
    const bool on_posts = count >= 6 && count <= 24 && random.chance(0.35F);
    has_sides = !on_posts;
    num_posts = on_posts ? 4 : 0;
    // Enough gaps between the boards for the things that will stand on them.
    num_boards.least = std::clamp((count - 8) / 6, 0, 4);
    num_dividers.most = on_posts ? 0 : 5;
    draw_plan(count - (on_posts ? 6 : 4), {&num_boards, &has_back, &num_dividers, &num_things});
  }

  static constexpr float kHalfBoard = 0.05F;

  float board_height(int index) {
    const float low = has_sides ? kHalfBoard : 0.15F;
    const float high = height - (has_sides ? kHalfBoard : 0.12F);
    return num_boards == 1 ? 0.25F * height
                           : low + (high - low) * index / static_cast<float>(num_boards - 1);
  }

  void add_frame() {
    const float half_height = height / 2.0F;
    if (has_sides) {
      add_pair("side", kBrown,
               box({0.05F, half_height, half_depth}, {half_width + 0.05F, half_height, 0}));
    }
    const StickStyle style = draw_stick_style();
    for (int i = 0; i < num_posts; ++i) {
      const Vec3 foot(i % 2 == 0 ? half_width + 0.03F : -half_width - 0.03F, 0,
                      i < 2 ? half_depth : -half_depth);
      add("post", kBrown, stick(style, foot, foot + Vec3(0, height, 0), 0.06F));
    }
    if (has_back) {
      const float half = half_width - (num_posts > 0 ? 0.06F : 0.0F);
      add("back", kYellow, box({half, half_height, 0.045F}, {0, half_height, -half_depth - 0.04F}));
    }
  }

  // The vertical divider, if any, of gap `index` stands in its middle; things go left and right of
  // it.
  void add_things() {
    const int num_gaps = num_boards - 1;
    const float gap = (board_height(1) - board_height(0)) - 2.0F * kHalfBoard;
    const int num_placed = std::min<int>(num_dividers, num_gaps);
    for (int i = 0; i < num_placed; ++i) {
      add("divider", kTeal,
          box({0.045F, gap / 2.0F, 0.9F * half_depth},
              {0, board_height(i) + kHalfBoard + gap / 2.0F, 0}));
    }
    // Dividers without a gap of their own become things; there is room for both.
    const int count = num_things + num_dividers - num_placed;
    const int per_gap = (count + num_gaps - 1) / num_gaps;
    const int first_kind = random.integer(0, 2);
    const float slot = half_width / static_cast<float>(std::max((per_gap + 1) / 2, 1));
    for (int i = 0; i < count; ++i) {
      const int side = (i / num_gaps) % 2 == 0 ? -1 : 1;
      const int place = i / num_gaps / 2;
      const float x = side * (place + 0.5F) * slot;
      const float half = std::min(0.34F * slot, 0.16F);
      const float half_height = gap / 2.0F * random.uniform(0.5F, 0.9F);
      const Vec3 foot(x, board_height(i % num_gaps) + kHalfBoard, 0.1F * half_depth);
      switch ((first_kind + i) % 3) {
        case 0:
          add("book", kRed,
              box({half, half_height, 0.7F * half_depth}, foot + Vec3(0, half_height, 0)));
          break;
        case 1:
          add("jar", kBlue,
              cylinder(half, 0.8F * half_height, foot + Vec3(0, 0.8F * half_height, 0)));
          break;
        default: {
          const float radius = std::min(1.2F * half, half_height);
          add("ball", kLime, sphere(radius, foot + Vec3(0, 0.98F * radius, 0)));
          break;
        }
      }
    }
  }

  bool has_sides = true;
  int num_posts = 0;
  Feature num_boards = {.most = 4, .weight = 2, .times = 2};
  Feature has_back = {};
  Feature num_dividers = {};
  Feature num_things = {.most = 20, .weight = 2};
  float half_width = 0.6F;
  float height = 1.8F;
  float half_depth = 0.3F;
};

}  // namespace

void build_cabinet(AssetBuilder& builder, int count) { Cabinet{{builder}}.build(count); }

void build_shelf(AssetBuilder& builder, int count) { Shelf{{builder}}.build(count); }

}  // namespace moca::procedural
