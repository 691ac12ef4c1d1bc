// What glTF 2.0 and its extensions allow a file to say about shape, and what is no glTF.
#include <draco/compression/encode.h>
#include <draco/mesh/triangle_soup_mesh_builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <meshoptimizer.h>
#include <sys/stat.h>

#include <Eigen/Geometry>
#include <array>
#include <cmath>
#include <map>

#include "moca/image/image_io.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"
#include "src/mesh/paint.h"
#include "tests/mesh/gltf_maker.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca::mesh {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::GltfMaker;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class Gltf : public ::testing::Test {
 protected:
  Scene read() {
    maker_.write_glb(folder_ / "file.glb");
    return read_scene(folder_ / "file.glb");
  }
  std::string refusal() {
    return testing::refusal([&] { read(); });
  }
  static void expect_box(const Component& component, const Vec3& low, const Vec3& high) {
    const Box box = bounds(component.mesh);
    EXPECT_LT((box.low - low).norm(), 1e-6) << component.name << ": " << box.low.transpose();
    EXPECT_LT((box.high - high).norm(), 1e-6) << component.name << ": " << box.high.transpose();
  }
  static std::vector<std::string> names_of(const Scene& scene) {
    std::vector<std::string> names;
    for (const auto& component : scene.components) {
      names.push_back(component.name);
    }
    return names;
  }

  testing::TemporaryFolder folder_;
  GltfMaker maker_;
};

TEST_F(Gltf, TransformsAreMultipliedDownTheNodes) {
  const int child = maker_.node({{"mesh", 0}, {"translation", {1, 0, 0}}}, false);
  maker_.node({{"scale", {2, 1, 1}}, {"children", {child}}});
  expect_box(read().components.at(0), Vec3(2, 0, 0), Vec3(4, 1, 1));
}

TEST_F(Gltf, OffsetsThatCancelLeaveNoError) {
  const int child = maker_.node({{"mesh", 0}, {"translation", {-1e8, 0, 0}}}, false);
  maker_.node({{"translation", {1e8, 0, 0}}, {"children", {child}}});
  expect_box(read().components.at(0), Vec3::Zero(), Vec3::Ones());
}

TEST_F(Gltf, MirroredAndShearedNodesKeepFacesOutward) {
  maker_.node({{"mesh", 0}, {"scale", {-1, 1, 1}}});
  maker_.node({{"mesh", 0}, {"matrix", {1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}}});
  const auto scene = read();
  EXPECT_NEAR(signed_volume(scene.components.at(0).mesh), 1.0 / 6, 1e-6);
  EXPECT_NEAR(signed_volume(scene.components.at(1).mesh), 1.0 / 6, 1e-6);
}

TEST_F(Gltf, QuaternionsNeedNotHaveLengthOne) {
  maker_.node({{"mesh", 0}, {"rotation", {0, 0, 2, 0}}});  // half a turn about z
  expect_box(read().components.at(0), Vec3(-1, -1, 0), Vec3(0, 0, 1));
}

TEST_F(Gltf, SparseEntriesReplaceTheAccessorsOwn) {
  const auto value = std::array<float, 3>{0, 0, 5};
  const auto index = std::array<uint8_t, 4>{3, 0, 0, 0};
  maker_.root["accessors"][0]["sparse"] = {
      {"count", 1},
      {"indices", {{"bufferView", maker_.view(index.data(), 1)}, {"componentType", 5121}}},
      {"values", {{"bufferView", maker_.view(value.data(), 12)}}}};
  maker_.node({{"mesh", 0}});
  expect_box(read().components.at(0), Vec3::Zero(), Vec3(1, 1, 5));
}

TEST_F(Gltf, AnAccessorWithoutAViewIsZeros) {
  maker_.root["accessors"][0].erase("bufferView");
  maker_.node({{"mesh", 0}});
  EXPECT_THAT(refusal(), HasSubstr("its faces have no area"));  // without area nothing is left
}

TEST_F(Gltf, QuantisedPositionsAreWhatTheyStandFor) {
  const int bytes = maker_.accessor<int8_t>({0, 0, 0, 127, 0, 0, 0, -127, 0, 0, 0, -128}, 5120,
                                            "VEC3", {{"normalized", true}});
  maker_.mesh({{"attributes", {{"POSITION", bytes}}}, {"indices", 1}});
  const int shorts =
      maker_.accessor<uint16_t>({0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 65535}, 5123, "VEC3");
  maker_.mesh({{"attributes", {{"POSITION", shorts}}}, {"indices", 1}});
  maker_.root["extensionsRequired"] = {"KHR_mesh_quantization"};
  maker_.node({{"mesh", 1}});
  maker_.node({{"mesh", 2}});
  const auto scene = read();
  expect_box(scene.components.at(0), Vec3(0, -1, -1), Vec3(1, 0, 0));
  expect_box(scene.components.at(1), Vec3::Zero(), Vec3(9, 8, 65535));
}

TEST_F(Gltf, VerticesThatNoFaceUsesAreNotThere) {
  const int shared =
      maker_.accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 900, 900, 900}, 5126, "VEC3");
  maker_.mesh({{"attributes", {{"POSITION", shared}}}, {"indices", 1}});
  maker_.node({{"mesh", 1}});
  const auto scene = read();
  EXPECT_EQ(scene.components.at(0).mesh.vertices.size(), 4U);
  expect_box(scene.components.at(0), Vec3::Zero(), Vec3::Ones());
}

TEST_F(Gltf, StripsAndFansAreTrianglesThatFaceOneWay) {
  const int square = maker_.accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0}, 5126, "VEC3");
  const int ring = maker_.accessor<float>({0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0}, 5126, "VEC3");
  maker_.mesh({{"attributes", {{"POSITION", square}}}, {"mode", 5}});
  maker_.mesh({{"attributes", {{"POSITION", ring}}}, {"mode", 6}});
  maker_.mesh({{"attributes", {{"POSITION", ring}}}, {"mode", 1}});  // lines are no surface
  for (const int mesh : {1, 2, 3}) {
    maker_.node({{"mesh", mesh}});
  }
  const auto scene = read();
  ASSERT_EQ(scene.components.size(), 2U);
  for (const auto& component : scene.components) {
    EXPECT_NEAR(surface_area(component.mesh), 1.0, 1e-6);
    for (const auto& face : component.mesh.faces) {
      const Vec3 a = component.mesh.vertices[face[0]], b = component.mesh.vertices[face[1]],
                 c = component.mesh.vertices[face[2]];
      EXPECT_GT((b - a).cross(c - a).z(), 0);
    }
  }
}

TEST_F(Gltf, EveryInstanceIsAComponent) {
  const int offsets = maker_.accessor<float>({0, 0, 0, 5, 0, 0}, 5126, "VEC3");
  const int scales = maker_.accessor<float>({1, 1, 1, 2, 2, 2}, 5126, "VEC3");
  maker_.node({{"mesh", 0},
               {"name", "bolt"},
               {"translation", {0, 1, 0}},
               {"extensions",
                {{"EXT_mesh_gpu_instancing",
                  {{"attributes", {{"TRANSLATION", offsets}, {"SCALE", scales}}}}}}}});
  const auto scene = read();
  EXPECT_THAT(names_of(scene), ElementsAre("bolt", "bolt_2"));
  expect_box(scene.components.at(0), Vec3(0, 1, 0), Vec3(1, 2, 1));
  expect_box(scene.components.at(1), Vec3(5, 1, 0), Vec3(7, 3, 2));
}

TEST_F(Gltf, JointsAlonePlaceASkinnedMesh) {
  const int joints =
      maker_.accessor<uint8_t>({0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, 5121, "VEC4");
  const int weights =
      maker_.accessor<float>({1, 0, 0, 0, .5F, .5F, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, 5126, "VEC4");
  maker_.mesh({{"attributes", {{"POSITION", 0}, {"JOINTS_0", joints}, {"WEIGHTS_0", weights}}},
               {"indices", 1}});
  std::vector<float> inverse(32);
  for (const int i : {0, 5, 10, 15, 16, 21, 26, 31}) {
    inverse[static_cast<size_t>(i)] = 1;
  }
  inverse[16 + 12] = -1;  // the second joint was bound at x = 1
  const int first = maker_.node({{"translation", {0, 0, 10}}});
  const int second = maker_.node({{"translation", {3, 0, 10}}});
  maker_.root["skins"] = {{{"joints", {first, second}},
                           {"inverseBindMatrices", maker_.accessor(inverse, 5126, "MAT4")}}};
  maker_.node({{"mesh", 1}, {"skin", 0}, {"translation", {100, 100, 100}}});
  const auto scene = read();
  // (1, 0, 0): half of (1, 0, 10) and half of (3, 0, 10); the others by one joint alone.
  expect_box(scene.components.at(0), Vec3(0, 0, 10), Vec3(2, 1, 11));
  EXPECT_EQ(scene.components.at(0).mesh.vertices[1], Vec3(2, 0, 10));
}

TEST_F(Gltf, ASkinWithoutInverseBindMatricesHasIdentities) {
  const int joints = maker_.accessor<uint8_t>(std::vector<uint8_t>(16, 0), 5121, "VEC4");
  std::vector<float> ones(16);
  for (const size_t corner : {0, 4, 8, 12}) {
    ones[corner] = 1;
  }
  const int weights = maker_.accessor<float>(ones, 5126, "VEC4");
  maker_.mesh({{"attributes", {{"POSITION", 0}, {"JOINTS_0", joints}, {"WEIGHTS_0", weights}}},
               {"indices", 1}});
  const int joint = maker_.node({{"translation", {0, 0, 10}}});
  maker_.root["skins"] = {{{"joints", {joint}}}};
  maker_.node({{"mesh", 1}, {"skin", 0}});
  expect_box(read().components.at(0), Vec3(0, 0, 10), Vec3(1, 1, 11));
}

TEST_F(Gltf, PointsAndLinesAreLeftOutWithAWord) {
  maker_.node({{"mesh", 0}});
  maker_.mesh({{"attributes", {{"POSITION", 0}}}, {"mode", 1}});
  maker_.node({{"mesh", 1}, {"name", "wire"}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(read().components.size(), 1U);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("the points or lines of 'wire' are left out"));
}

TEST_F(Gltf, AComponentThatIsAPointBesideTheSceneIsLeftOut) {
  maker_.node({{"mesh", 0}, {"name", "near"}});
  maker_.mesh({{"attributes", {{"POSITION", 0}}}, {"indices", 1}});
  maker_.node({{"mesh", 1}, {"name", "huge"}, {"scale", {1e12, 1e12, 1e12}}});
  EXPECT_THAT(names_of(read()), ElementsAre("huge"));
}

TEST_F(Gltf, MorphTargetsApplyByTheNodesWeightsElseTheMeshs) {
  const int target = maker_.accessor<float>({0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 5126, "VEC3");
  maker_.mesh({{"attributes", {{"POSITION", 0}}},
               {"indices", 1},
               {"targets", Json::array({{{"POSITION", target}}})}},
              {{"weights", {2}}});
  maker_.node({{"mesh", 1}});
  maker_.node({{"mesh", 1}, {"weights", {0.5}}});
  const auto scene = read();
  expect_box(scene.components.at(0), Vec3::Zero(), Vec3(3, 1, 1));
  expect_box(scene.components.at(1), Vec3::Zero(), Vec3(1.5F, 1, 1));
}

TEST_F(Gltf, MeshoptimizersBuffersAreDecoded) {
  const std::array<float, 12> points = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7};
  std::vector<unsigned char> encoded(meshopt_encodeVertexBufferBound(4, 12));
  encoded.resize(meshopt_encodeVertexBuffer(encoded.data(), encoded.size(), points.data(), 4, 12));
  const Json where = {{"buffer", 0},
                      {"byteOffset", maker_.buffer.size()},
                      {"byteLength", encoded.size()},
                      {"byteStride", 12},
                      {"count", 4},
                      {"mode", "ATTRIBUTES"}};
  maker_.view(encoded.data(), encoded.size());
  maker_.root["buffers"].push_back(
      {{"byteLength", 48}, {"extensions", {{"EXT_meshopt_compression", {{"fallback", true}}}}}});
  maker_.root["bufferViews"][0] = {{"buffer", 1},
                                   {"byteLength", 48},
                                   {"byteStride", 12},
                                   {"extensions", {{"EXT_meshopt_compression", where}}}};
  maker_.root["extensionsRequired"] = {"EXT_meshopt_compression"};
  maker_.node({{"mesh", 0}});
  expect_box(read().components.at(0), Vec3::Zero(), Vec3(1, 1, 7));
  maker_.root["bufferViews"][0]["extensions"]["EXT_meshopt_compression"]["count"] = 5;
  EXPECT_THAT(refusal(), HasSubstr("compressed buffer view does not fit"));
}

TEST_F(Gltf, DracosMeshesAreDecoded) {
  draco::TriangleSoupMeshBuilder soup;
  soup.Start(1);
  const int id = soup.AddAttribute(draco::GeometryAttribute::POSITION, 3, draco::DT_FLOAT32);
  const std::array<float, 9> corners = {0, 0, 0, 4, 0, 0, 0, 2, 0};
  soup.SetAttributeValuesForFace(id, draco::FaceIndex(0), &corners[0], &corners[3], &corners[6]);
  draco::EncoderBuffer encoded;
  ASSERT_TRUE(draco::Encoder().EncodeMeshToBuffer(*soup.Finalize(), &encoded).ok());
  const int view = maker_.view(encoded.data(), encoded.size());
  const int positions =
      maker_.push("accessors", {{"componentType", 5126}, {"count", 3}, {"type", "VEC3"}});
  const int indices =
      maker_.push("accessors", {{"componentType", 5125}, {"count", 3}, {"type", "SCALAR"}});
  const Json extension = {{"bufferView", view}, {"attributes", {{"POSITION", 0}}}};
  maker_.mesh({{"attributes", {{"POSITION", positions}}},
               {"indices", indices},
               {"extensions", {{"KHR_draco_mesh_compression", extension}}}});
  maker_.node({{"mesh", 1}});
  maker_.root["extensionsRequired"] = {"KHR_draco_mesh_compression"};
  const auto scene = read();
  EXPECT_NEAR(surface_area(scene.components.at(0).mesh), 4.0, 1e-4);
  maker_.buffer.resize(maker_.buffer.size() - 8);
  maker_.root["bufferViews"][static_cast<size_t>(view)]["byteLength"] = encoded.size() - 8;
  EXPECT_THAT(refusal(), HasSubstr("KHR_draco_mesh_compression"));
}

TEST_F(Gltf, RequiredExtensionsAreReadOrNamedAndHarmlessOnesIgnored) {
  maker_.node({{"mesh", 0}});
  maker_.root["extensionsRequired"] = {"KHR_materials_unlit", "KHR_texture_basisu"};
  EXPECT_EQ(read().components.size(), 1U);
  maker_.root["extensionsRequired"] = {"KHR_materials_unlit", "VENDOR_magic"};
  EXPECT_THAT(refusal(), HasSubstr("requires the extension VENDOR_magic"));
}

TEST_F(Gltf, NodesMayBeNestedAsDeepAsTheyLike) {
  int child = maker_.node({{"mesh", 0}}, false);
  for (int level = 0; level < 50000; ++level) {
    child = maker_.node({{"children", {child}}}, level == 49999);
  }
  EXPECT_EQ(read().components.size(), 1U);
}

TEST_F(Gltf, NamesKeepTheirBytesOrBecomeUtf8) {
  maker_.node({{"mesh", 0}, {"name", "\xE6\xA4\x85\xE5\xAD\x90"}});
  maker_.node({{"mesh", 0}, {"name", "LATIN"}});
  auto json = maker_.json();
  json.replace(json.find("LATIN"), 5, "\xE9t\xE9");
  maker_.write_glb(folder_ / "names.glb", json);
  EXPECT_THAT(names_of(read_scene(folder_ / "names.glb")),
              ElementsAre("\xE6\xA4\x85\xE5\xAD\x90", "\xC3\xA9t\xC3\xA9"));
}

TEST_F(Gltf, BuffersAreFoundByEscapedNamesAndByteOrderMarksSkipped) {
  maker_.node({{"mesh", 0}});
  maker_.write_gltf(folder_ / "file.gltf", "my%20mesh.bin", "my mesh.bin", "\xEF\xBB\xBF");
  EXPECT_EQ(read_scene(folder_ / "file.gltf").components.size(), 1U);
  maker_.write_gltf(folder_ / "file.gltf", "elsewhere.bin", "my mesh.bin");
  EXPECT_THAT(testing::refusal([&] { read_scene(folder_ / "file.gltf"); }),
              HasSubstr("elsewhere.bin"));
}

TEST_F(Gltf, BuffersAreOrdinaryFiles) {
  maker_.node({{"mesh", 0}});
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const std::string name : {"pipe", "/dev/zero", "../../../../../dev/zero", ".."}) {
    maker_.write_gltf(folder_ / "file.gltf", name, "unused.bin");
    EXPECT_THAT(testing::refusal([&] { read_scene(folder_ / "file.gltf"); }), HasSubstr(name));
  }
}

// A file of a few bytes must not fill the memory.
TEST_F(Gltf, ZerosWithoutDataHaveABound) {
  maker_.node({{"mesh", 0}});
  maker_.root["accessors"][0].erase("bufferView");
  maker_.root["accessors"][0]["count"] = (1 << 22) / 3 + 1;
  EXPECT_THAT(refusal(), HasSubstr("it must have at most 1398101 of 3"));
}

TEST_F(Gltf, ComponentsComeInTheFilesOrder) {
  const int a1 = maker_.node({{"mesh", 0}, {"name", "A1"}}, false);
  const int a2 = maker_.node({{"mesh", 0}, {"name", "A2"}}, false);
  maker_.node({{"mesh", 0}, {"name", "A"}, {"children", {a1, a2}}});
  const int c = maker_.node({{"mesh", 0}, {"name", "C"}}, false);
  maker_.node({{"mesh", 0}, {"name", "B"}, {"children", {c}}});
  EXPECT_THAT(names_of(read()), ElementsAre("A", "A1", "A2", "B", "C"));
}

TEST_F(Gltf, AComponentWithoutAreaIsLeftOut) {
  maker_.node({{"mesh", 0}, {"name", "seen"}});
  maker_.node({{"mesh", 0}, {"name", "hidden"}, {"scale", {0, 0, 0}}});
  EXPECT_THAT(names_of(read()), ElementsAre("seen"));
}

TEST_F(Gltf, ColoursOfVerticesMaterialsAndTexturesAreShown) {
  const auto positions = maker_.root["meshes"][0]["primitives"][0]["attributes"]["POSITION"];
  const auto indices = maker_.root["meshes"][0]["primitives"][0]["indices"];
  maker_.root["materials"] = Json::array(
      {{{"pbrMetallicRoughness", {{"baseColorFactor", {0.2, 0.4, 0.6, 1.0}}}}},
       {{"extensions",
         {{"KHR_materials_pbrSpecularGlossiness", {{"diffuseFactor", {0.5, 0.25, 1.0, 1.0}}}}}}},
       {{"pbrMetallicRoughness", {{"baseColorTexture", {{"index", 0}}}}}},
       {{"pbrMetallicRoughness",
         {{"baseColorTexture", {{"index", 1}}}, {"baseColorFactor", {0.0, 0.5, 0.0, 1.0}}}}}});
  Image halves(2, 1, 3);  // red, then blue
  halves.pixels = {255, 0, 0, 0, 0, 255};
  const std::string png = encode_png(halves);
  maker_.root["images"] =
      Json::array({{{"bufferView", maker_.view(png.data(), png.size())}, {"mimeType", "image/png"}},
                   {{"uri", "missing.png"}}});
  maker_.root["textures"] = Json::array({{{"source", 0}}, {{"source", 1}}});
  const int uv = maker_.push(
      "accessors", {{"bufferView", -1}, {"componentType", 5126}, {"count", 4}, {"type", "VEC2"}});
  const std::vector<float> places = {0.25F, 0, 0.25F, 0.5F, 0.25F, 1, 0.25F, 9};
  maker_.root["accessors"][uv]["bufferView"] = maker_.view(places.data(), 4 * places.size());
  const int colors =
      maker_.accessor<uint8_t>({255, 0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 255},
                               5121, "VEC4", {{"normalized", true}});
  const auto add = [&](const std::string& name, const Json& more, int material) {
    Json primitive = {{"attributes", {{"POSITION", positions}}}, {"indices", indices}};
    primitive["attributes"].update(more);
    if (material >= 0) {
      primitive["material"] = material;
    }
    maker_.node({{"name", name}, {"mesh", maker_.mesh(primitive)}});
  };
  add("plain", Json::object(), -1);
  add("factor", Json::object(), 0);
  add("glossy", Json::object(), 1);
  add("vertices", {{"COLOR_0", colors}}, -1);
  add("both", {{"COLOR_0", colors}}, 0);
  add("texture", {{"TEXCOORD_0", uv}}, 2);
  add("missing", {{"TEXCOORD_0", uv}}, 3);
  const auto scene = read();
  const std::vector<Vec3> expected = {Component().color, {0.2F, 0.4F, 0.6F}, {0.5F, 0.25F, 1},
                                      {1, 0, 0},         {0.2F, 0, 0},       {1, 0, 0},
                                      {0, 0.5F, 0}};
  ASSERT_EQ(scene.components.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LT((scene.components[i].color - expected[i]).norm(), 1e-5) << scene.components[i].name;
  }
}

// The colours of a painted component at the positions of its corners.
std::map<std::array<float, 3>, Vec3> colors_by_position(const Component& component) {
  std::map<std::array<float, 3>, Vec3> found;
  for (size_t face = 0; face < component.mesh.faces.size(); ++face) {
    for (int corner = 0; corner < 3; ++corner) {
      const Vec3& p = component.mesh.vertices[component.mesh.faces[face][corner]];
      found[{p.x(), p.y(), p.z()}] = component.paint->at(face, Vec3::Unit(corner));
    }
  }
  return found;
}

TEST_F(Gltf, AMirroredNodeKeepsTheColoursOfItsCorners) {
  const int colors =
      maker_.accessor<uint8_t>({255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255, 255, 0, 255},
                               5121, "VEC4", {{"normalized", true}});
  maker_.root["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = colors;
  maker_.node({{"mesh", 0}});
  maker_.node({{"mesh", 0}, {"scale", {1, 1, -1}}});
  const auto scene = read();
  const auto plain = colors_by_position(scene.components.at(0));
  const auto mirrored = colors_by_position(scene.components.at(1));
  ASSERT_EQ(plain.size(), 4);
  for (const auto& [position, color] : plain) {
    const auto [x, y, z] = position;
    EXPECT_EQ(mirrored.at({x, y, -z}), color) << x << " " << y << " " << z;
  }
}

TEST_F(Gltf, WhatPointsNowhereIsRefusedInOneLine) {
  maker_.node({{"mesh", 0}});
  const Json whole = maker_.root;
  const auto with = [&](const Json::json_pointer& where, const Json& value) {
    maker_.root = whole;
    maker_.root[where] = value;
    return refusal();
  };
  using At = Json::json_pointer;
  EXPECT_THAT(with(At("/nodes/0/mesh"), 7), HasSubstr("mesh 7 and has 1"));
  EXPECT_THAT(with(At("/scene"), 3), HasSubstr("scene 3 and has 1"));
  EXPECT_THAT(with(At("/nodes/0/children"), {0}),
              AllOf(HasSubstr("circle"), HasSubstr("file.glb")));
  EXPECT_THAT(with(At("/accessors/0/count"), 5), HasSubstr("beyond its buffer"));
  EXPECT_THAT(with(At("/accessors/0/count"), 1000000000000), HasSubstr("at most"));
  EXPECT_THAT(with(At("/accessors/1/count"), 11), HasSubstr("11 corners"));
  EXPECT_THAT(with(At("/accessors/0/byteOffset"), 40), HasSubstr("beyond its buffer"));
  EXPECT_THAT(with(At("/accessors/0/byteOffset"), -4),
              HasSubstr("accessors[0].byteOffset is -4, which is no whole number"));
  EXPECT_THAT(with(At("/bufferViews/0/byteLength"), 1.5), HasSubstr("bufferViews[0].byteLength"));
  EXPECT_THAT(
      with(At("/accessors/0/sparse"), {{"count", -1},
                                       {"indices", {{"bufferView", 0}, {"componentType", 5123}}},
                                       {"values", {{"bufferView", 0}}}}),
      HasSubstr("accessors[0].sparse.count is -1"));
  EXPECT_THAT(with(At("/accessors/0/type"), "VEC4"), HasSubstr("POSITION"));
  EXPECT_THAT(with(At("/accessors/0/componentType"), 5130), HasSubstr("componentType"));
  EXPECT_THAT(with(At("/bufferViews/0/buffer"), 4), HasSubstr("buffer 4 and has 1"));
  EXPECT_THAT(with(At("/bufferViews/0/byteOffset"), 4000000000), HasSubstr("beyond its buffer"));
  EXPECT_THAT(with(At("/accessors/1/componentType"), 5126), HasSubstr("no whole numbers"));
  EXPECT_THAT(with(At("/asset/version"), "1.0"), HasSubstr("glTF version 1.0"));
  EXPECT_THAT(with(At("/scenes"), Json::array()), HasSubstr("no scene"));
  EXPECT_THAT(with(At("/nodes/0/matrix"), {1, 2, 3}), HasSubstr("matrix has 3 numbers"));
  EXPECT_THAT(with(At("/meshes/0/primitives"), 3), HasSubstr("file.glb"));
  EXPECT_THAT(with(At("/nodes/0/skin"), 0), HasSubstr("skin 0 and has 0"));
}

}  // namespace
}  // namespace moca::mesh
