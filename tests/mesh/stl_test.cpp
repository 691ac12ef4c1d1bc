#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/core/file_io.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca::mesh {
namespace {

using ::testing::HasSubstr;

const std::string kFacet =
    "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n";

class Stl : public ::testing::Test {
 protected:
  Scene read(const std::string& bytes) {
    write_file(folder_ / "file.stl", bytes);
    return read_scene(folder_ / "file.stl");
  }
  std::string refusal(const std::string& bytes) {
    return testing::refusal([&] { read(bytes); });
  }
  // One triangle of area 0.5 for each of `count`.
  static std::string binary(uint32_t count, std::string header) {
    header.resize(80, ' ');
    std::string bytes = header + std::string(reinterpret_cast<const char*>(&count), 4);
    for (uint32_t i = 0; i < count; ++i) {
      const float z = static_cast<float>(i);
      const float numbers[12] = {0, 0, 1, 0, 0, z, 1, 0, z, 0, 1, z};
      bytes.append(reinterpret_cast<const char*>(numbers), sizeof(numbers));
      bytes.append("\xFF\x7F", 2);  // some programs' colour
    }
    return bytes;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Stl, BinaryFilesAreToldByTheirLengthNotTheirFirstWord) {
  EXPECT_NEAR(surface_area(read(binary(2, "solid facet endsolid")).components.at(0).mesh), 1, 1e-6);
  const auto scene = read(binary(3, "made by hand") + "bytes that follow");
  EXPECT_NEAR(surface_area(scene.components.at(0).mesh), 1.5, 1e-6);
  EXPECT_EQ(scene.components[0].name, "file");
}

TEST_F(Stl, ACountBeyondTheFileIsRefused) {
  std::string bytes = binary(2, "");
  bytes[83] = 1;
  EXPECT_THAT(refusal(bytes), HasSubstr("promises 16777218 triangles and has 2"));
  EXPECT_THAT(refusal("short"), HasSubstr("cut off"));
  EXPECT_THAT(refusal(binary(2, "").substr(0, 150)), HasSubstr("promises 2 triangles and has 1"));
}

TEST_F(Stl, EverySolidOfATextIsAComponent) {
  const auto scene =
      read("solid left wheel\n" + kFacet + "endsolid\nsolid x\n" + kFacet +
           "endsolid x\nSOLID x\n" + kFacet + "ENDSOLID\nsolid\n" + kFacet + "endsolid");
  ASSERT_EQ(scene.components.size(), 4U);
  EXPECT_EQ(scene.components[0].name, "left wheel");
  EXPECT_EQ(scene.components[2].name, "x_2");
  EXPECT_EQ(scene.components[3].name, "file");
}

TEST_F(Stl, BrokenTextsAreRefusedByTheirLine) {
  EXPECT_THAT(refusal("solid a\nfacet\nvertex 0 0 0\nvertex 1 0\n"),
              HasSubstr("line 4 has '' in place of a number"));
  EXPECT_THAT(refusal("solid a\nfacet\nvertex 0 0 0\nvertex 1 0 1\nendfacet\n"),
              HasSubstr("a facet of 2 corners"));
  EXPECT_THAT(refusal("solid a\n" + kFacet), HasSubstr("the file was cut off"));
  EXPECT_THAT(refusal("solid a\nfacet\nvertex 0 0 0\n"), HasSubstr("ends inside a facet"));
}

}  // namespace
}  // namespace moca::mesh
