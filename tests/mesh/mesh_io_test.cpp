#include "moca/mesh/mesh_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Geometry>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/mesh/scene_ops.h"
#include "src/mesh/paint.h"
#include "tests/mesh/shapes.h"
#include "tests/support/refusal.h"
#include "tests/support/shared_folder.h"
#include "tests/support/temporary_folder.h"

namespace moca::mesh {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;
using testing::box;
using testing::cube;
using testing::sphere;

// In a folder of this process alone: shares of this program run side by side.
fs::path scratch(const std::string& name) {
  static const testing::TemporaryFolder folder;
  return folder / name;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string error_of(const fs::path& file) {
  try {
    read_scene(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::vector<std::string> names_of(const Scene& scene) {
  std::vector<std::string> names;
  for (const Component& component : scene.components) {
    names.push_back(component.name);
  }
  return names;
}

Scene small_scene() {
  return {{{"ball", sphere(0.5F, 8), Vec3(1, 0.5F, 0.25F)},
           {"box", box({1, 2, 3}, {4, 5, 6.1F}), Vec3(0, 0.125F, 1)}}};
}

// A glTF of the unit box [0, 1]^3 (mesh 0), the box as two primitives of 4 and 8 faces with colours
// red and green (mesh 1) and a line (mesh 2), in the given nodes; node 0 is the root.
fs::path write_gltf(const std::string& name, const Json& nodes) {
  const TriangleMesh unit = box({0, 0, 0}, {1, 1, 1});
  std::string buffer(reinterpret_cast<const char*>(unit.vertices.data()), 96);
  buffer.append(reinterpret_cast<const char*>(unit.faces.data()), 144);
  write_file(scratch("box.bin"), buffer);
  const auto indices = [](int first_face, int num_faces) {
    return Json{{"bufferView", 1},
                {"byteOffset", first_face * 12},
                {"componentType", 5125},
                {"count", num_faces * 3},
                {"type", "SCALAR"}};
  };
  const auto primitive = [](int accessor, int material, int mode) {
    return Json{{"attributes", {{"POSITION", 0}}},
                {"indices", accessor},
                {"material", material},
                {"mode", mode}};
  };
  const auto material = [](const Json& color) {
    return Json{{"pbrMetallicRoughness", {{"baseColorFactor", color}}}};
  };
  const Json root = {
      {"asset", {{"version", "2.0"}}},
      {"scene", 0},
      {"scenes", Json::array({{{"nodes", Json::array({0})}}})},
      {"nodes", nodes},
      {"meshes",
       Json::array({{{"primitives", Json::array({primitive(1, 0, 4)})}},
                    {{"primitives", Json::array({primitive(2, 0, 4), primitive(3, 1, 4)})}},
                    {{"primitives", Json::array({primitive(4, 0, 1)})}}})},
      {"materials", Json::array({material({1, 0, 0, 1}), material({0, 1, 0, 1})})},
      {"accessors", Json::array({{{"bufferView", 0},
                                  {"componentType", 5126},
                                  {"count", 8},
                                  {"type", "VEC3"},
                                  {"min", {0, 0, 0}},
                                  {"max", {1, 1, 1}}},
                                 indices(0, 12),
                                 indices(0, 4),
                                 indices(4, 8),
                                 indices(0, 2)})},
      {"bufferViews", Json::array({{{"buffer", 0}, {"byteLength", 96}},
                                   {{"buffer", 0}, {"byteOffset", 96}, {"byteLength", 144}}})},
      {"buffers", Json::array({{{"uri", "box.bin"}, {"byteLength", 240}}})}};
  write_file(scratch(name), root.dump());
  return scratch(name);
}

TEST(WriteGlb, IsReadBackIdentically) {
  const Scene scene = small_scene();
  const fs::path file = scratch("round_trip.glb");
  write_glb(file, scene);
  const Scene read = read_scene(file);
  ASSERT_THAT(names_of(read), ElementsAre("ball", "box"));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.components[i].mesh.vertices, scene.components[i].mesh.vertices);
    EXPECT_EQ(read.components[i].mesh.faces, scene.components[i].mesh.faces);
    EXPECT_EQ(read.components[i].color, scene.components[i].color);
  }
}

TEST(WriteGlb, FollowsTheContainerFormat) {
  const fs::path file = scratch("container.glb");
  write_glb(file, small_scene());
  const std::string bytes = bytes_of(file);
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, 4);
    return value;
  };
  EXPECT_EQ(bytes.substr(0, 4), "glTF");
  EXPECT_EQ(number(4), 2U);
  EXPECT_EQ(number(8), bytes.size());
  EXPECT_EQ(number(12) % 4, 0U);
  const Json root = Json::parse(bytes.substr(20, number(12)));
  const size_t second = 20 + number(12);
  EXPECT_EQ(bytes.substr(second + 4, 4), std::string("BIN\0", 4));
  EXPECT_EQ(second + 8 + number(second), bytes.size());
  EXPECT_EQ(root["buffers"][0]["byteLength"], number(second));
  EXPECT_EQ(root["nodes"].size(), 2U);
  EXPECT_EQ(root["materials"][0]["doubleSided"], true);
  const Json& positions = root["accessors"][2];
  EXPECT_EQ(positions["min"].get<std::vector<float>>(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(positions["max"].get<std::vector<float>>(), (std::vector<float>{4, 5, 6.1F}));
}

TEST(WriteGlb, KeepsAnEmptyComponentsPlaceAndRefusesBrokenMeshes) {
  Scene scene = small_scene();
  scene.components.insert(scene.components.begin(), Component{"empty", {}});
  write_glb(scratch("empty.glb"), scene);
  EXPECT_THAT(names_of(read_scene(scratch("empty.glb"))), ElementsAre("ball", "box"));
  write_glb(scratch("nothing.glb"), Scene{});
  EXPECT_THAT(error_of(scratch("nothing.glb")), HasSubstr("no faces"));

  scene.components[1].mesh.faces[0][0] = 1000;
  EXPECT_THROW(write_glb(scratch("broken.glb"), scene), std::logic_error);
  EXPECT_THROW(write_glb(scratch("nowhere") / "a.glb", small_scene()), Error);
}

TEST(WriteMesh, IsReadBackInEveryFormat) {
  const TriangleMesh ball = sphere(0.7F, 12, Vec3(0.1F, 0.2F, 0.3F));
  for (const std::string name : {"ball.ply", "ball.obj", "ball.glb"}) {
    write_mesh(scratch(name), ball);
    const Scene read = read_scene(scratch(name));
    ASSERT_EQ(read.components.size(), 1U) << name;
    EXPECT_EQ(read.components[0].name, "ball") << name;
    EXPECT_EQ(read.components[0].mesh.faces.size(), ball.faces.size()) << name;
    EXPECT_EQ(read.components[0].mesh.vertices.size(), ball.vertices.size()) << name;
    EXPECT_TRUE(is_watertight(read.components[0].mesh)) << name;
    EXPECT_NEAR(signed_volume(read.components[0].mesh), signed_volume(ball), 1e-6) << name;
  }
  EXPECT_THROW(write_mesh(scratch("ball.xyz"), ball), Error);
}

TEST(ReadScene, AppliesNestedTransformsToEveryInstance) {
  // The root doubles and shifts; one child stands still, the other turns by 90 degrees about Y
  // (x to -z) and has the mesh at its own child.
  const float half = std::sqrt(0.5F);
  const Scene scene = read_scene(write_gltf(
      "nested.gltf",
      Json::array({{{"name", "root"},
                    {"scale", {2, 2, 2}},
                    {"translation", {10, 0, 0}},
                    {"children", {1, 2}}},
                   {{"name", "still"}, {"mesh", 0}},
                   {{"name", "turned"}, {"rotation", {0, half, 0, half}}, {"children", {3}}},
                   {{"name", "still"}, {"mesh", 0}, {"translation", {1, 0, 0}}}})));
  ASSERT_THAT(names_of(scene), ElementsAre("still", "still_2"));
  const Box still = bounds(scene.components[0].mesh);
  EXPECT_TRUE(still.low.isApprox(Vec3(10, 0, 0)));
  EXPECT_TRUE(still.high.isApprox(Vec3(12, 2, 2)));
  // [1, 2] x [0, 1] x [0, 1] turns to [0, 1] x [0, 1] x [-2, -1].
  const Box turned = bounds(scene.components[1].mesh);
  EXPECT_TRUE(turned.low.isApprox(Vec3(10, 0, -4), 1e-5F)) << turned.low.transpose();
  EXPECT_TRUE(turned.high.isApprox(Vec3(12, 2, -2), 1e-5F)) << turned.high.transpose();
  EXPECT_NEAR(signed_volume(scene.components[1].mesh), 8, 1e-4);
}

TEST(ReadScene, KeepsMirroredFacesLookingOutward) {
  const Scene scene = read_scene(write_gltf(
      "mirrored.gltf", Json::array({{{"mesh", 0}, {"name", "m"}, {"scale", {-1, 1, 1}}}})));
  EXPECT_EQ(bounds(scene).low, Vec3(-1, 0, 0));
  EXPECT_NEAR(signed_volume(scene.components[0].mesh), 1, 1e-6);
}

TEST(ReadScene, JoinsOrSplitsThePrimitivesOfANode) {
  const fs::path file = write_gltf("primitives.gltf", Json::array({{{"name", "a"}, {"mesh", 1}}}));
  const Scene joined = read_scene(file, ComponentRule::kNode);
  ASSERT_THAT(names_of(joined), ElementsAre("a"));
  EXPECT_EQ(joined.components[0].mesh.faces.size(), 12U);
  EXPECT_TRUE(is_watertight(joined.components[0].mesh));
  EXPECT_LT((joined.components[0].color - Vec3(1, 2, 0) / 3).norm(), 1e-6);  // the mean by area
  EXPECT_EQ(joined.components[0].paint->at(0, {1, 0, 0}), Vec3(1, 0, 0));
  EXPECT_EQ(joined.components[0].paint->at(11, {1, 0, 0}), Vec3(0, 1, 0));
  const Scene split = read_scene(file, ComponentRule::kPrimitive);
  ASSERT_THAT(names_of(split), ElementsAre("a", "a_2"));
  EXPECT_EQ(split.components[0].mesh.faces.size(), 4U);
  EXPECT_EQ(split.components[1].mesh.faces.size(), 8U);
  EXPECT_EQ(split.components[1].color, Vec3(0, 1, 0));
}

TEST(ReadScene, LeavesOutLinesAndRefusesAFileOfNothingElse) {
  const Scene scene = read_scene(
      write_gltf("lines.gltf", Json::array({{{"mesh", 2}, {"name", "line"}, {"children", {1}}},
                                            {{"mesh", 0}, {"name", "solid"}}})));
  EXPECT_THAT(names_of(scene), ElementsAre("solid"));
  EXPECT_THAT(error_of(write_gltf("only_lines.gltf", Json::array({{{"mesh", 2}}}))),
              HasSubstr("no faces"));
}

TEST(ReadScene, TriangulatesPolygonsAndWeldsSplitCorners) {
  write_file(scratch("quad.obj"),
             "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvn 0 0 1\nvn 0 1 0\n"
             "f 1//1 2//1 3//1 4//1\nf 1//2 2//2 4//2\n");
  const Scene scene = read_scene(scratch("quad.obj"));
  EXPECT_EQ(scene.components[0].mesh.faces.size(), 3U);
  EXPECT_EQ(scene.components[0].mesh.vertices.size(), 4U);
}

TEST(ReadScene, ReadsAnStl) {
  std::string text = "solid\n";
  const TriangleMesh whole = cube(1);
  for (const auto& face : whole.faces) {
    text += "facet normal 0 0 0\nouter loop\n";
    for (const int32_t corner : face) {
      const Vec3& v = whole.vertices[corner];
      text += "vertex " + std::to_string(v.x()) + " " + std::to_string(v.y()) + " " +
              std::to_string(v.z()) + "\n";
    }
    text += "endloop\nendfacet\n";
  }
  write_file(scratch("cube.stl"), text + "endsolid\n");
  const Scene scene = read_scene(scratch("cube.stl"));
  ASSERT_THAT(names_of(scene), ElementsAre("cube"));
  EXPECT_TRUE(is_watertight(scene.components[0].mesh));
  EXPECT_NEAR(signed_volume(scene.components[0].mesh), 8, 1e-5);
}

TEST(ReadScene, RefusesBrokenFilesInOneLine) {
  write_file(scratch("empty.glb"), "");
  write_file(scratch("text.glb"), "this is no mesh at all");
  write_file(scratch("text.ply"), "this is no mesh at all");
  write_file(scratch("text.gltf"), "{\n\"asset\": ");
  write_file(scratch("points.obj"), "v 0 0 0\nv 1 0 0\nv 0 1 0\n");
  write_file(scratch("mesh.xyz"), "0 0 0");
  for (const std::string name : {"empty.glb", "text.glb", "text.ply", "text.gltf", "points.obj",
                                 "mesh.xyz", "missing.glb", "."}) {
    const std::string message = error_of(scratch(name));
    EXPECT_THAT(message, HasSubstr(scratch(name).string())) << name;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(ReadScene, RefusesNumbersThatAreNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    TriangleMesh mesh = cube(1);
    mesh.vertices[2].y() = bad;
    write_mesh(scratch("bad.ply"), mesh);
    const std::string message = error_of(scratch("bad.ply"));
    EXPECT_THAT(message, HasSubstr("not a number"));
    EXPECT_THAT(message, HasSubstr("'bad'"));
  }
}

TEST(ReadScene, RefusesVertexIndicesOutOfRange) {
  TriangleMesh mesh = cube(1);
  mesh.faces[5][2] = 8;
  for (const std::string name : {"index.ply", "index.obj"}) {
    write_mesh(scratch(name), mesh);
    EXPECT_THROW(read_scene(scratch(name)), Error) << name;
  }
  mesh.faces[5][2] = -1;
  write_mesh(scratch("index.ply"), mesh);
  EXPECT_THAT(error_of(scratch("index.ply")), HasSubstr("vertex index -1"));

  // One byte in the middle of the indices, which end the file.
  write_glb(scratch("index.glb"), {{{"cube", cube(1)}}});
  std::string bytes = bytes_of(scratch("index.glb"));
  bytes[bytes.size() - 72] = 100;
  write_file(scratch("index.glb"), bytes);
  EXPECT_THAT(error_of(scratch("index.glb")), HasSubstr("vertex index out of range"));
}

TEST(ReadPly, ReadsTextWithOtherPropertiesAndPolygons) {
  write_file(scratch("text.ply"),
             "ply\r\nformat ascii 1.0\ncomment by hand\nelement vertex 4\nproperty double z\n"
             "property uchar red\nproperty float x\nproperty float y\nelement edge 1\n"
             "property list uchar int pair\nelement face 1\nproperty list uchar uint vertex_index\n"
             "property int flags\nend_header\n5 255 0 0\n5 0 1 0\n5 9 1 1\n5 9 0 1\n2 0 1\n"
             "4 0 1 2 3 77\n");
  const Scene scene = read_scene(scratch("text.ply"));
  const TriangleMesh& mesh = scene.components[0].mesh;
  EXPECT_THAT(mesh.vertices,
              ElementsAre(Vec3(0, 0, 5), Vec3(1, 0, 5), Vec3(1, 1, 5), Vec3(0, 1, 5)));
  using Face = std::array<int32_t, 3>;
  EXPECT_THAT(mesh.faces, ElementsAre(Face{0, 1, 2}, Face{0, 2, 3}));
}

TEST(ReadPly, RefusesVerticesThatLackACoordinate) {
  const testing::TemporaryFolder folder;
  const auto file = folder / "flat.ply";
  write_file(file,
             "ply\nformat ascii 1.0\nelement vertex 3\nproperty float y\nproperty float z\n"
             "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
             "0 0\n1 0\n0 1\n3 0 1 2\n");
  EXPECT_THAT(testing::refusal([&] { read_scene(file); }), HasSubstr("have no property 'x'"));
}

TEST(ReadPly, ReadsBigEndianNumbers) {
  std::string bytes =
      "ply\nformat binary_big_endian 1.0\nelement vertex 3\nproperty short x\nproperty float y\n"
      "property char z\nelement face 1\nproperty list uchar ushort vertex_indices\nend_header\n";
  bytes += std::string("\x01\x02\x3F\x80\x00\x00\xFF", 7);  // 258, 1, -1
  bytes += std::string("\xFF\xFE\x00\x00\x00\x00\x05", 7);  // -2, 0, 5
  bytes += std::string("\x00\x00\xC0\x00\x00\x00\x00", 7);  // 0, -2, 0
  bytes += std::string("\x03\x00\x00\x00\x01\x00\x02", 7);
  write_file(scratch("big.ply"), bytes);
  const Scene scene = read_scene(scratch("big.ply"));
  EXPECT_THAT(scene.components[0].mesh.vertices,
              ElementsAre(Vec3(258, 1, -1), Vec3(-2, 0, 5), Vec3(0, -2, 0)));
}

TEST(ReadPly, ReadsStripsPlusSignsConcaveFacesAndFacesBeforeVertices) {
  const std::string begin = "ply\nformat ascii 1.0\n";
  const std::string vertex = "property float x\nproperty float y\nproperty float z\n";
  write_file(scratch("strips.ply"),
             begin + "element vertex 6\n" + vertex +
                 "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
                 "+0.0 0 0\n+1 0 0\n0 1 0\n1 1 0\n0 2 0\n1 2 0\n9 0 1 2 3 -1 2 3 4 5\n");
  const auto strips = read_scene(scratch("strips.ply")).components[0].mesh;
  EXPECT_EQ(strips.faces.size(), 4U);
  EXPECT_NEAR(surface_area(strips), 2.0, 1e-6);
  for (const auto& [a, b, c] : strips.faces) {
    const Vec3 edge = strips.vertices[b] - strips.vertices[a];
    EXPECT_GT(edge.cross(strips.vertices[c] - strips.vertices[a]).z(), 0);
  }
  write_file(scratch("l.ply"), begin +
                                   "element face 1\nproperty list uchar int vertex_indices\n"
                                   "element vertex 6\n" +
                                   vertex +
                                   "end_header\n6 0 1 2 3 4 5\n"
                                   "0 4 0\n0 0 0\n4 0 0\n4 1 0\n1 1 0\n1 4 0\n");
  EXPECT_NEAR(surface_area(read_scene(scratch("l.ply")).components[0].mesh), 7.0, 1e-6);
}

TEST(ReadPly, ReadsColoursOfVerticesAndFacesAndDropsUnusedVertices) {
  const std::string begin =
      "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
      "property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
      "element face 1\nproperty list uchar int vertex_indices\n";
  const std::string vertices = "0 0 0 255 0 0\n1 0 0 255 0 0\n0 1 0 255 0 0\n900 900 900 0 0 255\n";
  write_file(scratch("red.ply"), begin + "end_header\n" + vertices + "3 0 1 2\n");
  const auto red = read_scene(scratch("red.ply")).components[0];
  EXPECT_EQ(red.color, Vec3(1, 0, 0));
  EXPECT_EQ(red.paint, nullptr);
  EXPECT_EQ(red.mesh.vertices.size(), 3U);
  write_file(scratch("green.ply"), begin +
                                       "property float red\nproperty float green\n"
                                       "property float blue\nend_header\n" +
                                       vertices + "3 0 1 2 0 1 0\n");
  EXPECT_EQ(read_scene(scratch("green.ply")).components[0].color, Vec3(0, 1, 0));
}

TEST(ReadPly, RefusesBrokenHeadersAndFilesCutOff) {
  const std::string good =
      "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
      "property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
      "0 0 0 1 0 0 0 1 0 3 0 1 2";
  write_file(scratch("good.ply"), good);
  EXPECT_EQ(read_scene(scratch("good.ply")).components[0].mesh.faces.size(), 1U);
  for (size_t length = 0; length < good.size(); ++length) {
    write_file(scratch("cut.ply"), good.substr(0, length));
    EXPECT_THROW(read_scene(scratch("cut.ply")), Error) << length;
  }
  for (const auto& [what, by] :
       {std::pair("vertex 3", "vertex 99999999999"), std::pair("float x", "half x"),
        std::pair("ascii", "text"), std::pair("vertex 3", "vertex many"),
        std::pair("0 1 2", "0 1 x"), std::pair("3 0 1 2", "-3 0 1 2")}) {
    std::string bad = good;
    bad.replace(bad.rfind(what), std::strlen(what), by);
    write_file(scratch("bad.ply"), bad);
    EXPECT_THROW(read_scene(scratch("bad.ply")), Error) << by;
  }
}

TEST(ReadScene, RefusesAGlbCutOffAnywhere) {
  write_glb(scratch("whole.glb"), small_scene());
  const std::string whole = bytes_of(scratch("whole.glb"));
  for (size_t length = 0; length < whole.size(); length += length < 64 ? 1 : 101) {
    write_file(scratch("cut.glb"), whole.substr(0, length));
    EXPECT_THROW(read_scene(scratch("cut.glb")), Error) << length << " of " << whole.size();
  }
}

class SharedFile : public ::testing::TestWithParam<std::string> {};

// Every real file has the components, faces and closedness that its list says.
TEST_P(SharedFile, ReadsAsListed) {
  const fs::path folder = moca::testing::shared_folder() / "data";
  if (!fs::exists(folder / (GetParam() + ".json"))) {
    GTEST_SKIP() << "no " << GetParam() << ".json in " << folder;
  }
  const Json list = Json::parse(bytes_of(folder / (GetParam() + ".json")));
  for (const auto& [name, entry] : list.items()) {
    const Scene scene = read_scene(folder / name);
    ASSERT_EQ(scene.components.size(), entry["components"].get<size_t>()) << name;
    for (size_t i = 0; i < scene.components.size(); ++i) {
      const TriangleMesh& mesh = scene.components[i].mesh;
      EXPECT_EQ(mesh.faces.size(), entry["faces"][i].get<size_t>()) << name << " " << i;
      EXPECT_LE(is_watertight(mesh), entry["watertight"][i].get<bool>()) << name << " " << i;
    }
  }
  EXPECT_GT(list.size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Sets, SharedFile, ::testing::Values("objects", "scenes"),
                         [](const auto& set) { return set.param; });

TEST(ReadSceneWithEmpty, KeepsTheNodesWithoutAMeshOfItsOwnFilesAlone) {
  write_glb(scratch("own.glb"), {{{"gap", {}, {}}, {"box", cube(1), {}}}});
  EXPECT_THAT(names_of(read_scene_with_empty(scratch("own.glb"))), ElementsAre("gap", "box"));
  EXPECT_THAT(names_of(read_scene(scratch("own.glb"))), ElementsAre("box"));
  auto bytes = read_file(scratch("own.glb"));
  bytes.replace(bytes.find("\"moca\""), 6, "\"acom\"");
  write_file(scratch("other.glb"), bytes);
  EXPECT_THAT(names_of(read_scene_with_empty(scratch("other.glb"))), ElementsAre("box"));
}

// PartCrafter writes one face between three times the same vertex for a part that failed.
TEST(ReadSceneWithEmpty, KeepsAComponentWithoutAreaOfAnyFile) {
  write_file(scratch("dummy.obj"), "o dummy\nv 0 0 0\nf 1 1 1\no box\nv 1 0 0\nv 0 1 0\nf 1 2 3\n");
  const auto scene = read_scene_with_empty(scratch("dummy.obj"));
  EXPECT_THAT(names_of(scene), ElementsAre("dummy", "box"));
  EXPECT_TRUE(scene.components[0].mesh.empty());
  EXPECT_EQ(scene.components[1].mesh.faces.size(), 1U);
}

TEST(ReadSceneWithEmpty, ReadsAFileOfNothingElse) {
  write_glb(scratch("empty.glb"), {{{"a", {}, {}}, {"b", {}, {}}}});
  EXPECT_THAT(names_of(read_scene_with_empty(scratch("empty.glb"))), ElementsAre("a", "b"));
  EXPECT_THAT(error_of(scratch("empty.glb")), HasSubstr("no faces"));
}

}  // namespace
}  // namespace moca::mesh
