// What an OBJ file and its materials may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "moca/core/file_io.h"
#include "moca/image/image_io.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"
#include "src/mesh/paint.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca::mesh {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kSquare = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n";

class Obj : public ::testing::Test {
 protected:
  Scene read(const std::string& text, ComponentRule rule = ComponentRule::kNode) {
    write_file(folder_ / "file.obj", text);
    return read_scene(folder_ / "file.obj", rule);
  }
  std::vector<std::string> names(const std::string& text,
                                 ComponentRule rule = ComponentRule::kNode) {
    std::vector<std::string> names;
    for (const auto& component : read(text, rule).components) {
      names.push_back(component.name);
    }
    return names;
  }
  std::string refusal(const std::string& text) {
    return testing::refusal([&] { read(text); });
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Obj, ObjectsAreComponentsByTheirWholeNames) {
  EXPECT_THAT(names(kSquare + "o wheel left\nf 1 2 3\no wheel right\nf 1 3 4\n"),
              ElementsAre("wheel left", "wheel right"));
  EXPECT_THAT(names(kSquare + "o a\nf 1 2 3\no a\nf 1 3 4\n"), ElementsAre("a", "a_2"));
  EXPECT_THAT(names(kSquare + "f 1 2 3\no b\ng inside\nf 1 3 4\ng other\nf 1 2 4\no empty\n"),
              ElementsAre("file", "b"));
}

TEST_F(Obj, GroupsAreComponentsWhereNoObjectIsNamed) {
  EXPECT_THAT(names(kSquare + "g a b\nf 1 2 3\ng c\nf 1 3 4\ng a b\nf 1 2 4\n"),
              ElementsAre("a b", "c"));
}

TEST_F(Obj, MaterialsDivideComponentsByThePrimitiveRuleOnly) {
  const std::string text =
      kSquare + "o a\nusemtl x\nf 1 2 3\nusemtl y\nf 1 3 4\nusemtl x\nf 1 2 4\n";
  EXPECT_THAT(names(text), ElementsAre("a"));
  EXPECT_THAT(names(text, ComponentRule::kPrimitive), ElementsAre("a", "a_2"));
}

TEST_F(Obj, CountsIndicesFromOneAndBackwardsFromTheLastVertex) {
  const auto scene = read(
      "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3//1 -2/7 -1/7/7\nv 5 5 5\nv 6 5 5\nv 5 6 5\nf -3 -2 -1\n");
  EXPECT_NEAR(surface_area(scene.components[0].mesh), 1.0, 1e-6);
  EXPECT_THAT(refusal(kSquare + "f 1 2 5\n"),
              AllOf(HasSubstr("line 5"), HasSubstr("'5' where 4 are given")));
  EXPECT_THAT(refusal(kSquare + "f 0 1 2\n"), HasSubstr("'0'"));
  EXPECT_THAT(refusal(kSquare + "f -5 1 2\n"), HasSubstr("'-5'"));
  EXPECT_THAT(refusal("v 1 x 2\n"), HasSubstr("'x' in place of a number"));
  EXPECT_THAT(refusal("v 1 2\n"), HasSubstr("a vertex of 2 numbers"));
}

TEST_F(Obj, LinesEndInAnyWayAndMayBeJoined) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string text =
        "\xEF\xBB\xBF# made by hand\nv  +0 0\t0\nv 1e0 0 0 # note\nv 1 1 0 1.0\nv 0 1 0\n"
        "l 1 2\np 1\nf 1 2 \\\n 3 4";
    for (size_t at = 0; (at = text.find('\n', at)) != text.npos; at += end.size()) {
      text.replace(at, 1, end);
    }
    EXPECT_NEAR(surface_area(read(text).components.at(0).mesh), 1.0, 1e-6);
  }
}

TEST_F(Obj, NamesThatAreNotUtf8BecomeIt) {
  EXPECT_THAT(names(kSquare + "o t\xFCr\nf 1 2 3\n"), ElementsAre("t\xC3\xBCr"));
  std::filesystem::create_directory(folder_ / "in");
  write_file(folder_ / "in" / "st\xFChl.obj", kSquare + "f 1 2 3\n");
  EXPECT_EQ(read_scene(folder_ / "in" / "st\xFChl.obj").components[0].name, "st\xC3\xBChl");
}

TEST_F(Obj, PlacesFarFromZeroKeepTheirShape) {
  const auto scene = read(
      "v 500000.001 5000000 100\nv 500000.002 5000000 100\nv 500000.001 5000000.001 100\nf 1 2 "
      "3\n");
  EXPECT_NEAR(surface_area(scene.components[0].mesh), 0.5e-6, 1e-9);
  EXPECT_NEAR(scene.origin.y(), 5000000.0005, 1e-6);
  auto moved = scene;
  move_origin(scene.origin - Eigen::Vector3d(1, 0, 0), moved);
  EXPECT_NEAR(bounds(moved).low.x() - bounds(scene).low.x(), 1.0, 1e-6);
  EXPECT_TRUE(read(kSquare + "f 1 2 3\n").origin.isZero());
  normalise(moved);
  EXPECT_TRUE(moved.origin.isZero());
}

TEST_F(Obj, VertexColoursAndMaterialsAreShown) {
  const Vec3 red(1, 0, 0), blue(0, 0, 1);
  EXPECT_EQ(read("v 0 0 0 1 0 0\nv 1 0 0 1 0 0\nv 0 1 0 1 0 0\nf 1 2 3\n").components[0].color,
            red);
  EXPECT_EQ(
      read("v 0 0 0 0 0 255\nv 1 0 0 0 0 255\nv 0 1 0 0 0 255\nf 1 2 3\n").components[0].color,
      blue);
  write_file(folder_ / "my file.mtl", "newmtl deep red\nKd 1 0 0\nnewmtl b\nKd 0 0 1\n");
  const auto scene =
      read("mtllib my file.mtl\n" + kSquare + "usemtl deep red\nf 1 2 3\nusemtl b\nf 1 3 4\n");
  EXPECT_LT((scene.components[0].color - Vec3(0.5F, 0, 0.5F)).norm(), 1e-6);
  ASSERT_NE(scene.components[0].paint, nullptr);
  EXPECT_EQ(scene.components[0].paint->at(0, {1, 0, 0}), red);
  EXPECT_EQ(scene.components[0].paint->at(1, {0, 1, 0}), blue);
  // Missing materials are no reason to refuse a shape.
  EXPECT_EQ(read("mtllib none.mtl\nusemtl x\n" + kSquare + "f 1 2 3\n").components[0].color,
            Component().color);
}

TEST_F(Obj, TexturesAreShownFromTheirLowerLeft) {
  Image image(2, 2, 3);  // red above, green below
  image.pixels = {255, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255, 0};
  std::filesystem::create_directory(folder_ / "maps");
  write_png(folder_ / "maps" / "two colours.png", image);
  write_file(folder_ / "a.mtl",
             "newmtl m\nKd 0 0 0\nmap_Kd -s 1 1 1 -o 0 0 maps\\two colours.png\n");
  const auto scene = read("mtllib a.mtl\nusemtl m\n" + kSquare +
                          "vt 0.5 0.25\nvt 0.5 0.75\nf 1/1 2/1 3/1\nf 1/2 3/2 4/2\n");
  const auto& paint = *scene.components.at(0).paint;
  EXPECT_EQ(paint.at(0, {1, 0, 0}), Vec3(0, 1, 0));
  EXPECT_EQ(paint.at(1, {0, 1, 0}), Vec3(1, 0, 0));
  EXPECT_LT((scene.components[0].color - Vec3(0.5F, 0.5F, 0)).norm(), 1e-6);
  write_file(folder_ / "maps" / "two colours.png", "no picture");
  EXPECT_EQ(
      read("mtllib a.mtl\nusemtl m\n" + kSquare + "vt 0 0\nf 1/1 2/1 3/1\n").components[0].color,
      Vec3(0, 0, 0));
}

// A pipe would be waited for, /dev/zero and /proc/kcore have no end.
TEST_F(Obj, NamesOnlyOrdinaryFilesOrGoesWithoutThem) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const std::string name : {"pipe", "/dev/zero", "../../../../../dev/zero", "/proc/kcore",
                                 "..", "missing", "/proc/self/environ"}) {
    write_file(folder_ / "own.mtl", "newmtl a\nKd 1 0 0\nmap_Kd " + name + "\n");
    const auto scene =
        read("mtllib own.mtl\nmtllib " + name + "\n" + kSquare + "usemtl a\nf 1 2 3\n");
    EXPECT_EQ(scene.components.at(0).color, Vec3(1, 0, 0)) << name;
  }
}

}  // namespace
}  // namespace moca::mesh
