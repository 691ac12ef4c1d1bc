#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>

#include "moca/core/file_io.h"
#include "moca/mesh/mesh_io.h"
#include "src/mesh/mesh_file_check.h"
#include "tests/mesh/shapes.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca::mesh {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;
using moca::testing::refusal;
using moca::testing::TemporaryFolder;

TEST(CheckMeshFile, AnswersTheEndingInLowerCase) {
  const TemporaryFolder folder;
  for (const auto& [name, ending] : {std::pair("a.OBJ", ".obj"), std::pair("b.Ply", ".ply"),
                                     std::pair("c.d.stl", ".stl"), std::pair("e.gltf", ".gltf")}) {
    write_file(folder / name, "x");
    EXPECT_EQ(check_mesh_file(folder / name), ending);
  }
}

TEST(CheckMeshFile, SaysWhatIsWrongAndWhatToDo) {
  const TemporaryFolder folder;
  const auto refusal_of = [&](const std::string& name) {
    return refusal([&] { check_mesh_file(folder / name); });
  };
  std::filesystem::create_directory(folder / "folder.obj");
  write_file(folder / "nothing.stl", "");
  write_file(folder / "mesh.fbx", "x");
  EXPECT_THAT(refusal_of("missing.obj"), HasSubstr("no such file"));
  EXPECT_THAT(refusal_of("folder.obj"), HasSubstr("a folder"));
  EXPECT_THAT(refusal_of("nothing.stl"), HasSubstr("empty"));
  EXPECT_THAT(refusal_of("mesh.fbx"), HasSubstr("'.fbx' is none of .glb"));
  EXPECT_THAT(refusal_of("mesh.fbx"), HasSubstr((folder / "mesh.fbx").string()));
}

TEST(CheckMeshFile, ChecksAGlbsVersionAndLengths) {
  const TemporaryFolder folder;
  write_glb(folder / "good.glb", {{{"cube", testing::cube(1)}}});
  EXPECT_EQ(check_mesh_file(folder / "good.glb"), ".glb");
  std::ifstream stream(folder / "good.glb", std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(stream), {}};
  const auto refusal_with = [&](size_t at, char byte) {
    std::string bad = good;
    bad[at] = byte;
    write_file(folder / "bad.glb", bad);
    return refusal([&] { check_mesh_file(folder / "bad.glb"); });
  };
  EXPECT_THAT(refusal_with(0, 'G'), HasSubstr("does not begin like a GLB"));
  EXPECT_THAT(refusal_with(4, 1), HasSubstr("version 1"));
  for (const size_t length_byte : {8, 12}) {  // of the file, of the JSON chunk
    EXPECT_THAT(refusal_with(length_byte, static_cast<char>(good[length_byte] + 4)),
                HasSubstr("cut off"));
  }
  write_file(folder / "bad.glb", good + "more");
  EXPECT_EQ(check_mesh_file(folder / "bad.glb"), ".glb") << "what follows the GLB is not its own";
}

TEST(WriteMesh, KeepsEveryBitOfEveryNumber) {
  const TemporaryFolder folder;
  std::mt19937_64 engine(6);
  TriangleMesh mesh;
  mesh.vertices.resize(3000);
  for (Vec3& vertex : mesh.vertices) {
    // Any finite float at all, from the smallest denormal to the largest.
    for (float& coordinate : vertex) {
      do {
        const auto bits = static_cast<uint32_t>(engine());
        std::memcpy(&coordinate, &bits, sizeof(coordinate));
      } while (!std::isfinite(coordinate));
    }
  }
  for (int32_t i = 0; i + 2 < 3000; i += 3) {
    mesh.faces.push_back({i, i + 1, i + 2});
  }
  // assimp's OBJ reader rounds, so only the two formats that hold the bits themselves.
  for (const char* name : {"bits.ply", "bits.glb"}) {
    write_mesh(folder / name, mesh);
    const Scene read = read_scene(folder / name);
    ASSERT_EQ(read.components.size(), 1U) << name;
    EXPECT_EQ(read.components[0].mesh.vertices, mesh.vertices) << name;
    EXPECT_EQ(read.components[0].mesh.faces, mesh.faces) << name;
  }
}

TEST(WriteGlb, ReplacesBytesThatAreNoText) {
  const TemporaryFolder folder;
  write_glb(folder / "name.glb",
            {{{"Stuhlbein \xC3\xA4", testing::cube(1)}, {"\xFF\xFE", testing::cube(1)}}});
  const Scene read = read_scene(folder / "name.glb");
  ASSERT_EQ(read.components.size(), 2U);
  EXPECT_EQ(read.components[0].name, "Stuhlbein \xC3\xA4");
}

TEST(ReadScene, NumbersEqualNamesApart) {
  const TemporaryFolder folder;
  const TriangleMesh cube = testing::cube(1);
  write_glb(folder / "same.glb", {{{"leg", cube}, {"leg_2", cube}, {"leg", cube}, {"leg", cube}}});
  const Scene read = read_scene(folder / "same.glb");
  std::set<std::string> names;
  for (const Component& component : read.components) {
    EXPECT_TRUE(names.insert(component.name).second) << component.name;
    EXPECT_EQ(component.name.substr(0, 3), "leg");
  }
  EXPECT_EQ(names.size(), 4U);
}

}  // namespace
}  // namespace moca::mesh
