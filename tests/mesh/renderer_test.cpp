#include "moca/mesh/renderer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numbers>
#include <random>
#include <set>
#include <stdexcept>
#include <utility>

#include "moca/core/error.h"
#include "src/mesh/paint.h"
#include "tests/mesh/shapes.h"

namespace moca::mesh {
namespace {

using testing::box;
using testing::sphere;

constexpr Camera kFront{.azimuth = 0, .elevation = 0, .half_extent = 1};

// A small box on each axis' positive side: x, y, z are components 0, 1, 2.
Scene axes() {
  return {{{"x", box({0.6F, -0.1F, -0.1F}, {0.8F, 0.1F, 0.1F})},
           {"y", box({-0.1F, 0.6F, -0.1F}, {0.1F, 0.8F, 0.1F})},
           {"z", box({-0.1F, -0.1F, 0.6F}, {0.1F, 0.1F, 0.8F})}}};
}

// The id at a point of the picture in [-1, 1]^2, x right and y up.
int id_at(const ComponentMap& ids, float x, float y) {
  return *ids.at(static_cast<int>((x + 1) / 2 * static_cast<float>(ids.width)),
                 static_cast<int>((1 - y) / 2 * static_cast<float>(ids.height)));
}

TEST(Renderer, SeesTheAxesFromTheFront) {
  const ComponentMap ids = render(axes(), kFront, 64).component_ids;
  EXPECT_EQ(id_at(ids, 0.7F, 0), 1);
  EXPECT_EQ(id_at(ids, 0, 0.7F), 2);
  EXPECT_EQ(id_at(ids, 0, 0), 3);
  EXPECT_EQ(id_at(ids, -0.7F, 0), 0);
}

TEST(Renderer, TurnsWithAzimuthAndElevation) {
  Camera camera = kFront;
  camera.azimuth = 90;
  const ComponentMap side = render(axes(), camera, 64).component_ids;
  EXPECT_EQ(id_at(side, 0, 0), 1);
  EXPECT_EQ(id_at(side, 0, 0.7F), 2);
  EXPECT_EQ(id_at(side, -0.7F, 0), 3);
  camera.azimuth = 0;
  camera.elevation = 90;
  const ComponentMap top = render(axes(), camera, 64).component_ids;
  EXPECT_EQ(id_at(top, 0, 0), 2);
  EXPECT_EQ(id_at(top, 0.7F, 0), 1);
  EXPECT_EQ(id_at(top, 0, -0.7F), 3);
}

TEST(Renderer, CoversTheAreaOfASphereInBothProjections) {
  const Scene ball{{{"ball", sphere(0.5F, 64)}}};
  Camera camera = kFront;
  const auto share = [&] {
    const ComponentMap ids = render(ball, camera, 256).component_ids;
    return static_cast<double>(std::count(ids.pixels.begin(), ids.pixels.end(), 1)) / (256 * 256);
  };
  const double pi = std::numbers::pi;
  EXPECT_NEAR(share(), pi * 0.25 / 4, 2e-3);
  // From distance 2 the outline's angle has the sine 0.5 / 2, hence the tangent 0.2582.
  camera.field_of_view = 60;
  camera.distance = 2;
  const double radius = 0.2581989 / std::tan(pi / 6);
  EXPECT_NEAR(share(), pi * radius * radius / 4, 2e-3);
}

TEST(Renderer, PutsShadedColourOnWhiteWhereAComponentIs) {
  Scene ball{{{"ball", sphere(0.5F, 64)}}};
  ball.components[0].color = Vec3(0.8F, 0.1F, 0.1F);
  const Rendering rendering = render(ball, kFront, 64);
  EXPECT_EQ(rendering.color.channels, 3);
  EXPECT_EQ(rendering.component_ids.channels, 1);
  const uint8_t* corner = rendering.color.at(0, 0);
  EXPECT_EQ(corner[0] + corner[1] + corner[2], 3 * 255);
  const uint8_t* center = rendering.color.at(32, 32);
  EXPECT_GT(center[0], 2 * center[1]);
  // Light falls from the upper left.
  EXPECT_GT(rendering.color.at(24, 24)[0], rendering.color.at(42, 42)[0]);
}

TEST(Renderer, ShowsInvertedFacesAsBrightAsOthers) {
  Scene inverted{{{"ball", sphere(0.5F, 32)}}};
  const Image expected = render(inverted, kFront, 32).color;
  testing::flip_faces(inverted.components[0].mesh);
  EXPECT_EQ(render(inverted, kFront, 32).color.pixels, expected.pixels);
}

TEST(Renderer, ShowsTheNearerOfTwoComponents) {
  Scene scene{{{"far", box({-0.5F, -0.5F, -0.6F}, {0.5F, 0.5F, -0.5F})},
               {"near", box({-0.2F, -0.2F, 0.5F}, {0.2F, 0.2F, 0.6F})}}};
  for (const float field_of_view : {0.0F, 40.0F}) {
    Camera camera = kFront;
    camera.field_of_view = field_of_view;
    const ComponentMap front = render(scene, camera, 64).component_ids;
    EXPECT_EQ(id_at(front, 0, 0), 2);
    EXPECT_EQ(id_at(front, 0.26F, 0), 1);
    camera.azimuth = 180;
    EXPECT_EQ(id_at(render(scene, camera, 64).component_ids, 0, 0), 1);
  }
}

TEST(Renderer, PermutesTheIdsWithTheComponentsAndNothingElse) {
  Scene scene = axes();
  for (int i = 0; i < 3; ++i) {
    scene.components[i].color = component_color(i);
  }
  const Scene swapped{{scene.components[2], scene.components[0], scene.components[1]}};
  const Rendering before = render(scene, Camera{}, 96);
  const Rendering after = render(swapped, Camera{}, 96);
  EXPECT_EQ(before.color.pixels, after.color.pixels);
  constexpr uint8_t kNewId[4] = {0, 2, 3, 1};
  for (size_t i = 0; i < before.component_ids.pixels.size(); ++i) {
    ASSERT_EQ(after.component_ids.pixels[i], kNewId[before.component_ids.pixels[i]]);
  }
}

TEST(Renderer, TurningTheCameraIsTurningTheSceneTheOtherWay) {
  const Scene scene = axes();
  Scene turned = scene;
  for (Component& component : turned.components) {
    for (Vec3& vertex : component.mesh.vertices) {
      vertex = Vec3(-vertex.z(), vertex.y(), vertex.x());  // by -90 degrees about Y
    }
  }
  for (const float field_of_view : {0.0F, 50.0F}) {
    Camera camera = kFront;
    camera.field_of_view = field_of_view;
    camera.elevation = 20;
    camera.azimuth = 25;
    const ComponentMap expected = render(turned, camera, 64).component_ids;
    camera.azimuth = 115;
    const ComponentMap found = render(scene, camera, 64).component_ids;
    int num_different = 0;
    for (size_t i = 0; i < found.pixels.size(); ++i) {
      num_different += found.pixels[i] != expected.pixels[i] ? 1 : 0;
    }
    EXPECT_LT(num_different, 20);  // pixels whose ray grazes an edge
  }
}

TEST(Renderer, DrawsItsIdsWhereverItsColoursAreNotWhite) {
  const Rendering rendering = render(axes(), Camera{}, 64, 1);
  int num_covered = 0;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      if (*rendering.component_ids.at(x, y) > 0) {
        const uint8_t* color = rendering.color.at(x, y);
        EXPECT_LT(std::min({color[0], color[1], color[2]}), 255);
        ++num_covered;
      }
    }
  }
  EXPECT_GT(num_covered, 50);
}

// Two boxes that touch, in one colour.
Scene touching_boxes() {
  return {{{"left", box({-0.6F, -0.4F, -0.3F}, {0.1F, 0.4F, 0.3F})},
           {"right", box({0.1F, -0.4F, -0.3F}, {0.7F, 0.2F, 0.5F})}}};
}

Scene as_one_component(const Scene& scene) {
  Component whole = scene.components.front();
  for (size_t i = 1; i < scene.components.size(); ++i) {
    const TriangleMesh& part = scene.components[i].mesh;
    const auto first = static_cast<int32_t>(whole.mesh.vertices.size());
    whole.mesh.vertices.insert(whole.mesh.vertices.end(), part.vertices.begin(),
                               part.vertices.end());
    for (const auto& face : part.faces) {
      whole.mesh.faces.push_back({face[0] + first, face[1] + first, face[2] + first});
    }
  }
  return {{whole}};
}

TEST(Renderer, ShowsTheSameImageWhetherTouchingBoxesAreOneComponentOrTwo) {
  const Scene two = touching_boxes();
  const Scene one = as_one_component(two);
  for (const Lines lines : {Lines::kNone, Lines::kCreases}) {
    for (const float field_of_view : {0.0F, 40.0F}) {
      for (const float azimuth : {0.0F, 35.0F, 200.0F}) {
        const Camera camera{.azimuth = azimuth, .elevation = 22, .field_of_view = field_of_view};
        const Rendering expected = render(one, camera, 96, 3, lines);
        const Rendering found = render(two, camera, 96, 3, lines);
        EXPECT_EQ(found.color.pixels, expected.color.pixels);
        EXPECT_NE(found.component_ids.pixels, expected.component_ids.pixels);
      }
    }
  }
}

TEST(Renderer, DrawsLinesAtOutlinesAndCreasesOnlyWhereAsked) {
  const Scene scene = touching_boxes();
  const Image plain = render(scene, Camera{}, 96, 3).color;
  const Image lined = render(scene, Camera{}, 96, 3, Lines::kCreases).color;
  int num_darker = 0;
  for (size_t i = 0; i < plain.pixels.size(); ++i) {
    ASSERT_LE(lined.pixels[i], plain.pixels[i]);
    num_darker += lined.pixels[i] < plain.pixels[i] ? 1 : 0;
  }
  EXPECT_GT(num_darker, 300);
}

TEST(Renderer, RefusesSizesThatCannotBe) {
  EXPECT_THROW(render(axes(), kFront, 0), std::logic_error);
  EXPECT_THROW(render(axes(), kFront, 8, 0), std::logic_error);
  EXPECT_THROW(render(axes(), kFront, 20000, 2), std::logic_error);
}

TEST(Renderer, SmoothsEdgesWithMoreRays) {
  const Scene ball{{{"ball", sphere(0.5F, 64)}}};
  const auto num_shades = [&](int supersampling) {
    const Image color = render(ball, kFront, 64, supersampling).color;
    return std::set<uint8_t>(color.pixels.begin(), color.pixels.end()).size();
  };
  EXPECT_GT(num_shades(4), num_shades(1));
}

TEST(Renderer, RendersNothingAsWhiteAndRefusesTooManyComponents) {
  const Rendering empty = render(Scene{}, Camera{}, 8);
  EXPECT_EQ(std::count(empty.color.pixels.begin(), empty.color.pixels.end(), 255), 8 * 8 * 3);
  Scene crowd;
  crowd.components.resize(65536);
  EXPECT_THROW(render(crowd, Camera{}, 8), Error);
}

TEST(ComponentColor, TellsThirtyTwoComponentsApart) {
  for (int i = 0; i < 32; ++i) {
    const Vec3 color = component_color(i);
    EXPECT_TRUE((color.array() >= 0).all() && (color.array() <= 1).all()) << i;
    EXPECT_GT((Vec3::Ones() - color).norm(), 0.4F) << i << " is nearly the background's white";
    for (int j = 0; j < i; ++j) {
      EXPECT_GT((color - component_color(j)).norm(), 0.12F) << i << " and " << j;
    }
  }
}

TEST(Render, ShowsThePaintOfASurfaceWhereItIs) {
  // A square towards the camera, a texture of four pixels on it: red and green above.
  Scene scene;
  auto& component = scene.components.emplace_back();
  component.mesh.vertices = {Vec3(-1, -1, 0), Vec3(1, -1, 0), Vec3(1, 1, 0), Vec3(-1, 1, 0)};
  component.mesh.faces = {{0, 1, 2}, {0, 2, 3}};
  Image image(2, 2, 3);
  image.pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0};
  Paint paint;
  paint.textures = {{std::make_shared<const Image>(image), {Wrap::kClamp, Wrap::kClamp}}};
  paint.face_texture = {0, 0};
  paint.colors.resize(2);
  for (auto& colors : paint.colors) {
    colors.fill(Vec3::Ones());
  }
  using Uv = Eigen::Vector2f;
  paint.uv = {{Uv(0, 1), Uv(1, 1), Uv(1, 0)}, {Uv(0, 1), Uv(1, 0), Uv(0, 0)}};
  component.paint = std::make_shared<const Paint>(paint);
  Camera camera;
  camera.azimuth = camera.elevation = 0;
  const Image picture = render(scene, camera, 32, 1).color;
  const auto is_like = [&](int x, int y, bool red, bool green, bool blue) {
    const uint8_t* at = picture.at(x, y);
    return (at[0] > 60) == red && (at[1] > 60) == green && (at[2] > 60) == blue;
  };
  EXPECT_TRUE(is_like(7, 7, true, false, false));
  EXPECT_TRUE(is_like(24, 7, false, true, false));
  EXPECT_TRUE(is_like(7, 24, false, false, true));
  EXPECT_TRUE(is_like(24, 24, true, true, false));
}

TEST(Texture, RepeatsMirrorsOrEndsOutsideItsPicture) {
  Image image(2, 1, 3);
  image.pixels = {255, 0, 0, 0, 0, 255};
  const auto shared = std::make_shared<const Image>(image);
  const Vec3 red(1, 0, 0), blue(0, 0, 1);
  const auto at = [&](Wrap wrap, float u) -> Vec3 {
    return Texture{shared, {wrap, wrap}}.at({u, 0.5F});
  };
  EXPECT_EQ(at(Wrap::kRepeat, 1.25F), red);
  EXPECT_EQ(at(Wrap::kRepeat, -0.25F), blue);
  EXPECT_EQ(at(Wrap::kMirror, 1.25F), blue);
  EXPECT_EQ(at(Wrap::kMirror, -0.25F), red);
  EXPECT_EQ(at(Wrap::kClamp, 7), blue);
  EXPECT_EQ(at(Wrap::kClamp, -7), red);
  EXPECT_EQ(at(Wrap::kRepeat, 0.5F), Vec3(0.5F, 0, 0.5F));
  EXPECT_TRUE(at(Wrap::kRepeat, NAN).allFinite());
}

TEST(Renderer, TellsMoreThan255ComponentsApart) {
  Scene grid;
  for (int i = 0; i < 300; ++i) {
    const auto x = -0.95F + 0.1F * static_cast<float>(i % 20);
    const auto y = -0.95F + 0.1F * static_cast<float>(i / 20);
    grid.components.push_back({"", box({x - 0.04F, y - 0.04F, -0.1F}, {x + 0.04F, y + 0.04F, 0})});
  }
  const ComponentMap ids = render(grid, kFront, 100, 1).component_ids;
  const std::set<uint16_t> seen(ids.pixels.begin(), ids.pixels.end());
  EXPECT_EQ(seen.size(), 301U);
  EXPECT_EQ(*seen.rbegin(), 300);
}

// Boxes anywhere in [-1, 1]^3, one of them from corner to corner.
Scene random_boxes(uint32_t seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> place(-1.0F, 1.0F);
  Scene scene{
      {{"", box({-1, -1, -1}, {-0.9F, -0.9F, -0.9F})}, {"", box({0.9F, 0.9F, 0.9F}, {1, 1, 1})}}};
  for (int i = 0; i < 6; ++i) {
    const Vec3 a(place(engine), place(engine), place(engine));
    const Vec3 b(place(engine), place(engine), place(engine));
    scene.components.push_back({"", box(a.cwiseMin(b), a.cwiseMax(b))});
  }
  return scene;
}

bool touches_border(const Image& image) {
  const int last = image.width - 1;
  for (int i = 0; i <= last; ++i) {
    for (const auto& [x, y] : {std::pair(i, 0), {i, last}, {0, i}, {last, i}}) {
      const uint8_t* color = image.at(x, y);
      if (std::min({color[0], color[1], color[2]}) < 255) {
        return true;
      }
    }
  }
  return false;
}

TEST(Fitted, LeavesTheOutermostPixelsFreeFromEveryDirection) {
  int num_cut = 0;
  for (uint32_t seed = 0; seed < 12; ++seed) {
    Scene scene = random_boxes(seed);
    std::mt19937 engine(100 + seed);
    std::uniform_real_distribution<float> angle(-180.0F, 180.0F);
    for (const float field_of_view : {0.0F, 20.0F, 40.0F, 110.0F}) {
      for (const int size : {8, 33, 64}) {
        const Camera camera{.azimuth = angle(engine),
                            .elevation = angle(engine) / 2,
                            .field_of_view = field_of_view};
        num_cut += touches_border(render(scene, camera, size).color) ? 1 : 0;
        for (const Lines lines : {Lines::kNone, Lines::kCreases}) {
          const Camera wider = fitted(camera, scene, size, lines);
          EXPECT_FALSE(touches_border(render(scene, wider, size, 3, lines).color))
              << "seed " << seed << ", field of view " << field_of_view << ", size " << size;
        }
      }
    }
  }
  EXPECT_GT(num_cut, 30) << "the scenes are too small to show anything";
}

TEST(Fitted, ChangesNothingWhereAllIsSeenAndNoMoreThanItMust) {
  const Scene small{{{"", box({-0.5F, -0.5F, -0.5F}, {0.5F, 0.5F, 0.5F})}}};
  for (const float field_of_view : {0.0F, 40.0F}) {
    Camera camera{.field_of_view = field_of_view};
    const Camera same = fitted(camera, small, 64);
    EXPECT_EQ(same.distance, camera.distance);
    EXPECT_EQ(same.half_extent, camera.half_extent);
    camera.distance = 2;
    camera.half_extent = 0.4F;
    const Camera wider = fitted(camera, small, 64);
    EXPECT_EQ(wider.azimuth, camera.azimuth);
    EXPECT_EQ(wider.field_of_view, camera.field_of_view);
    Camera a_little_less = wider;
    a_little_less.distance *= 0.93F;
    a_little_less.half_extent *= 0.93F;
    EXPECT_FALSE(touches_border(render(small, wider, 64).color));
    EXPECT_TRUE(touches_border(render(small, a_little_less, 64).color));
  }
}

}  // namespace
}  // namespace moca::mesh
