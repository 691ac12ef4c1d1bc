// Cabinets (a body with doors and drawers on its front) and shelves (boards between sides).
#include <algorithm>

#include "families.h"

namespace moca::procedural {
namespace {

struct Cabinet {
  int num_fronts = 1;
  int num_handles = 0;  // on the first fronts
  bool has_feet = false;
  bool has_top = false;
  bool has_plinth = false;
  int num_things = 0;  // on top
  Vec3 half_size = Vec3::Zero();
  float bottom = 0;
};

Cabinet plan_cabinet(int count, Random& random) {
  Cabinet cabinet;
  const bool with_handle = count > 2 && random.chance(0.6F);
  draw_plan(
      count - 1,
      {{&cabinet.num_handles, {.step = 2, .most = 12, .least = with_handle ? 1 : 0, .weight = 3}},
       {&cabinet.num_fronts, {.most = 6, .least = with_handle ? 0 : 1, .weight = 0.8F}},
       {&cabinet.has_feet, {.step = 4, .most = 1, .weight = 1.5F}},
       {&cabinet.has_top, {.most = 1}},
       {&cabinet.has_plinth, {.most = 1, .weight = 0.7F}},
       {&cabinet.num_things, {.most = 3, .weight = 0.5F}}},
      random);
  cabinet.num_fronts += cabinet.num_handles;  // those with a handle were drawn together with it
  const bool is_low = random.chance(0.4F);
  cabinet.half_size = is_low ? Vec3(random.uniform(0.8F, 0.95F), random.uniform(0.4F, 0.55F), 0)
                             : Vec3(random.uniform(0.5F, 0.75F), random.uniform(0.65F, 0.9F), 0);
  cabinet.half_size.z() = random.uniform(0.28F, 0.42F);
  return cabinet;
}

void add_front(AssetBuilder& builder, const Cabinet& cabinet, int index, const Vec3& center,
               const Vec3& half_size) {
  const bool is_tall = half_size.y() > half_size.x();
  builder.add(is_tall ? "door" : "drawer", is_tall ? paint::kSky : paint::kLime,
              box(half_size, center));
  if (index >= cabinet.num_handles) {
    return;
  }
  const float front = center.z() + half_size.z();
  if (is_tall) {
    const float x = center.x() + (index % 2 == 0 ? 0.6F : -0.6F) * half_size.x();
    builder.add("handle", paint::kDark,
                capsule(0.045F, std::min(0.12F, 0.5F * half_size.y()),
                        Vec3(x, center.y(), front + 0.035F)));
  } else {
    builder.add("knob", paint::kRed, sphere(0.065F, Vec3(center.x(), center.y(), front + 0.055F)));
  }
}

// Doors and drawers in rows of nearly equal length; a row holds at most as many as look like doors.
void add_fronts(AssetBuilder& builder, const Cabinet& cabinet) {
  const int count = cabinet.num_fronts;
  const bool is_low = cabinet.half_size.x() > cabinet.half_size.y();
  const int most_rows = std::min(count, is_low ? 3 : 5);
  const int fewest_rows = (count + 3) / 4;
  const int num_rows = builder.random().integer(std::min(fewest_rows, most_rows), most_rows);
  const float margin = 0.05F;
  const float row_height = 2.0F * (cabinet.half_size.y() - margin) / static_cast<float>(num_rows);
  int index = 0;
  for (int row = 0; row < num_rows; ++row) {
    const int in_row = (count + row) / num_rows;
    const float y = cabinet.bottom + 2.0F * cabinet.half_size.y() - margin -
                    (static_cast<float>(row) + 0.5F) * row_height;
    for (int i = 0; i < in_row; ++i) {
      const auto [x, half_width] = strip(i, in_row, cabinet.half_size.x() - margin, 0.04F);
      add_front(builder, cabinet, index++, Vec3(x, y, cabinet.half_size.z() + 0.03F),
                Vec3(half_width, row_height / 2.0F - 0.02F, 0.04F));
    }
  }
}

void add_thing(AssetBuilder& builder, int kind, const Vec3& at) {
  const float size = builder.random().uniform(0.1F, 0.15F);
  if (kind == 0) {
    builder.add("vase", paint::kPurple,
                cone(0.7F * size, 1.2F * size, 1.5F * size, at + Vec3(0, 1.5F * size, 0)));
  } else if (kind == 1) {
    builder.add("globe", paint::kTeal, sphere(1.2F * size, at + Vec3(0, 1.18F * size, 0)));
  } else {
    builder.add("crate", paint::kOrange, box(Vec3(1.2F * size, size, size), at + Vec3(0, size, 0)));
  }
}

struct Shelf {
  bool has_sides = true;
  int num_posts = 0;
  int num_boards = 2;
  bool has_back = false;
  int num_dividers = 0;
  int num_things = 0;
  float half_width = 0.6F;
  float height = 1.8F;
  float half_depth = 0.3F;
};

Shelf plan_shelf(int count, Random& random) {
  Shelf shelf;
  shelf.half_width = random.uniform(0.5F, 0.8F);
  shelf.height = random.uniform(1.3F, 1.9F);
  shelf.half_depth = random.uniform(0.26F, 0.38F);
  if (count < 4) {
    shelf.has_sides = false;
    shelf.has_back = true;
    shelf.num_boards = count - 1;
    return shelf;
  }
  const bool on_posts = count >= 6 && count <= 24 && random.chance(0.35F);
  shelf.has_sides = !on_posts;
  shelf.num_posts = on_posts ? 4 : 0;
  // Enough gaps between the boards for the things that will stand on them.
  const int least_boards = std::clamp((count - 8) / 6, 0, 4);
  draw_plan(count - (on_posts ? 6 : 4),
            {{&shelf.num_boards, {.most = 4, .least = least_boards, .weight = 2}},
             {&shelf.has_back, {.most = 1}},
             {&shelf.num_dividers, {.most = on_posts ? 0 : 5}},
             {&shelf.num_things, {.most = 20, .weight = 2}}},
            random);
  shelf.num_boards += 2;  // the lowest and the highest are there anyway
  return shelf;
}

constexpr float kHalfBoard = 0.05F;

float board_height(const Shelf& shelf, int index) {
  const float low = shelf.has_sides ? kHalfBoard : 0.15F;
  const float high = shelf.height - (shelf.has_sides ? kHalfBoard : 0.12F);
  return shelf.num_boards == 1 ? 0.25F * shelf.height
                               : low + (high - low) * static_cast<float>(index) /
                                           static_cast<float>(shelf.num_boards - 1);
}

void add_frame(AssetBuilder& builder, const Shelf& shelf) {
  const float half_height = shelf.height / 2.0F;
  if (shelf.has_sides) {
    builder.add_pair("side", paint::kBrown,
                     box(Vec3(0.05F, half_height, shelf.half_depth),
                         Vec3(shelf.half_width + 0.05F, half_height, 0)));
  }
  const StickStyle style = draw_stick_style(builder.random());
  for (int i = 0; i < shelf.num_posts; ++i) {
    const Vec3 foot(i % 2 == 0 ? shelf.half_width + 0.03F : -shelf.half_width - 0.03F, 0,
                    i < 2 ? shelf.half_depth : -shelf.half_depth);
    builder.add("post", paint::kBrown, stick(style, foot, foot + Vec3(0, shelf.height, 0), 0.06F));
  }
  if (shelf.has_back) {
    const float half_width = shelf.half_width - (shelf.num_posts > 0 ? 0.06F : 0.0F);
    builder.add("back", paint::kYellow,
                box(Vec3(half_width, half_height, 0.045F),
                    Vec3(0, half_height, -shelf.half_depth - 0.04F)));
  }
}

// The vertical divider, if any, of gap `index` stands in its middle; things go left and right of
// it.
void add_contents(AssetBuilder& builder, const Shelf& shelf) {
  Random& random = builder.random();
  const int num_gaps = shelf.num_boards - 1;
  const float gap = (board_height(shelf, 1) - board_height(shelf, 0)) - 2.0F * kHalfBoard;
  const int num_dividers = std::min(shelf.num_dividers, num_gaps);
  for (int i = 0; i < num_dividers; ++i) {
    builder.add("divider", paint::kTeal,
                box(Vec3(0.045F, gap / 2.0F, 0.9F * shelf.half_depth),
                    Vec3(0, board_height(shelf, i) + kHalfBoard + gap / 2.0F, 0)));
  }
  // Dividers without a gap of their own become things; there is room for both.
  const int num_things = shelf.num_things + shelf.num_dividers - num_dividers;
  const int per_gap = (num_things + num_gaps - 1) / num_gaps;
  const int first_kind = random.integer(0, 2);
  const float slot = shelf.half_width / static_cast<float>(std::max((per_gap + 1) / 2, 1));
  for (int i = 0; i < num_things; ++i) {
    const int side = (i / num_gaps) % 2 == 0 ? -1 : 1;
    const int place = i / num_gaps / 2;
    const float x = static_cast<float>(side) * (static_cast<float>(place) + 0.5F) * slot;
    const float half_width = std::min(0.34F * slot, 0.16F);
    const float half_height = gap / 2.0F * random.uniform(0.5F, 0.9F);
    const Vec3 foot(x, board_height(shelf, i % num_gaps) + kHalfBoard, 0.1F * shelf.half_depth);
    switch ((first_kind + i) % 3) {
      case 0:
        builder.add("book", paint::kRed,
                    box(Vec3(half_width, half_height, 0.7F * shelf.half_depth),
                        foot + Vec3(0, half_height, 0)));
        break;
      case 1:
        builder.add(
            "jar", paint::kBlue,
            cylinder(half_width, 0.8F * half_height, foot + Vec3(0, 0.8F * half_height, 0)));
        break;
      default: {
        const float radius = std::min(1.2F * half_width, half_height);
        builder.add("ball", paint::kLime, sphere(radius, foot + Vec3(0, 0.98F * radius, 0)));
        break;
      }
    }
  }
}

}  // namespace

void build_cabinet(AssetBuilder& builder, int count) {
  Cabinet cabinet = plan_cabinet(count, builder.random());
  const Vec3& half_size = cabinet.half_size;
  if (cabinet.has_feet) {
    const StickStyle style = draw_stick_style(builder.random());
    for (const float z : {0.75F, -0.75F}) {
      const Vec3 foot(half_size.x() - 0.12F, 0, z * half_size.z());
      builder.add_pair("foot", paint::kGrey, stick(style, foot, foot + Vec3(0, 0.2F, 0), 0.08F));
    }
    cabinet.bottom += 0.19F;
  }
  if (cabinet.has_plinth) {
    builder.add("plinth", paint::kPink,
                box(Vec3(0.94F * half_size.x(), 0.06F, 0.94F * half_size.z()),
                    Vec3(0, cabinet.bottom + 0.06F, 0)));
    cabinet.bottom += 0.12F;
  }
  builder.add("body", paint::kBrown, box(half_size, Vec3(0, cabinet.bottom + half_size.y(), 0)));
  float top = cabinet.bottom + 2.0F * half_size.y();
  add_fronts(builder, cabinet);
  if (cabinet.has_top) {
    builder.add("top", paint::kYellow,
                box(Vec3(half_size.x() + 0.05F, 0.05F, half_size.z() + 0.06F),
                    Vec3(0, top + 0.05F, 0.02F)));
    top += 0.1F;
  }
  const int first_kind = builder.random().integer(0, 2);
  for (int i = 0; i < cabinet.num_things; ++i) {
    add_thing(builder, (first_kind + i) % 3, Vec3(spread(i, 3, -0.65F * half_size.x()), top, 0));
  }
}

void build_shelf(AssetBuilder& builder, int count) {
  const Shelf shelf = plan_shelf(count, builder.random());
  add_frame(builder, shelf);
  for (int i = 0; i < shelf.num_boards; ++i) {
    const float half_width = shelf.half_width;
    builder.add(
        "board", paint::kOrange,
        box(Vec3(half_width, kHalfBoard, shelf.half_depth), Vec3(0, board_height(shelf, i), 0)));
  }
  if (shelf.num_boards > 1) {
    add_contents(builder, shelf);
  }
}

}  // namespace moca::procedural
