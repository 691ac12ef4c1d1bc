#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "glb.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"

namespace moca::mesh {
namespace {

using Json = nlohmann::json;

static_assert(sizeof(Vec3) == 12 && sizeof(std::array<int32_t, 3>) == 12);

// Numbers of the glTF 2.0 specification.
constexpr int kFloat = 5126;
constexpr int kUnsignedInt = 5125;
constexpr int kArrayBuffer = 34962;
constexpr int kElementArrayBuffer = 34963;

void check(const Component& component) {
  const std::string whose = "write_glb: component '" + component.name + "'";
  check_faces(component.mesh, whose);
  if (!std::ranges::all_of(component.mesh.vertices, &Vec3::allFinite)) {
    throw std::logic_error(whose + " has a vertex that is not finite");
  }
}

Json to_json(const Vec3& v) { return Json::array({v.x(), v.y(), v.z()}); }

// Builds the JSON tree and the binary chunk side by side.
struct GlbBuilder {
  Json root = {{"asset", {{"version", "2.0"}, {"generator", kGenerator}}},
               {"scene", 0},
               {"scenes", Json::array({Json::object()})}};
  std::string binary;

  // Appends the rows as a buffer view with an accessor of its own; returns the accessor's number.
  template <typename Row>
  size_t add_accessor(const std::vector<Row>& rows, int target, Json accessor) {
    const size_t num_bytes = rows.size() * sizeof(Row);
    root["bufferViews"].push_back({{"buffer", 0},
                                   {"byteOffset", binary.size()},
                                   {"byteLength", num_bytes},
                                   {"target", target}});
    binary.append(reinterpret_cast<const char*>(rows.data()), num_bytes);
    accessor.update({{"bufferView", root["bufferViews"].size() - 1}, {"byteOffset", 0}});
    root["accessors"].push_back(std::move(accessor));
    return root["accessors"].size() - 1;
  }

  void add_mesh(const Component& component) {
    const TriangleMesh& mesh = component.mesh;
    const Box box = bounds(mesh);
    const size_t positions = add_accessor(mesh.vertices, kArrayBuffer,
                                          {{"componentType", kFloat},
                                           {"count", mesh.vertices.size()},
                                           {"type", "VEC3"},
                                           {"min", to_json(box.low)},
                                           {"max", to_json(box.high)}});
    const size_t indices = add_accessor(mesh.faces, kElementArrayBuffer,
                                        {{"componentType", kUnsignedInt},
                                         {"count", mesh.faces.size() * 3},
                                         {"type", "SCALAR"},
                                         {"min", Json::array({0})},
                                         {"max", Json::array({mesh.vertices.size() - 1})}});
    const Vec3& color = component.color;
    const Json surface = {{"baseColorFactor", Json::array({color.x(), color.y(), color.z(), 1.0})},
                          {"metallicFactor", 0.0},
                          {"roughnessFactor", 0.8}};
    root["materials"].push_back(
        {{"name", component.name}, {"doubleSided", true}, {"pbrMetallicRoughness", surface}});
    const Json primitive = {{"attributes", {{"POSITION", positions}}},
                            {"indices", indices},
                            {"material", root["materials"].size() - 1},
                            {"mode", 4}};
    root["meshes"].push_back({{"name", component.name}, {"primitives", Json::array({primitive})}});
  }

  // A component without faces keeps its place as a node without a mesh.
  void add_node(const Component& component, const Eigen::Vector3d& origin) {
    Json node = {{"name", component.name}};
    if (!origin.isZero(0)) {
      node["translation"] = Json::array({origin.x(), origin.y(), origin.z()});
    }
    if (!component.mesh.empty()) {
      add_mesh(component);
      node["mesh"] = root["meshes"].size() - 1;
    }
    root["nodes"].push_back(std::move(node));
    root["scenes"][0]["nodes"].push_back(root["nodes"].size() - 1);
  }
};

}  // namespace

void write_glb(const std::filesystem::path& file, const Scene& scene) {
  GlbBuilder builder;
  for (const Component& component : scene.components) {
    check(component);
    builder.add_node(component, scene.origin);
  }
  if (!builder.binary.empty()) {
    builder.root["buffers"] = Json::array({{{"byteLength", builder.binary.size()}}});
  }
  std::string text = builder.root.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() + builder.binary.size() > std::numeric_limits<uint32_t>::max() - 64) {
    throw Error("Cannot write ", file,
                ": the scene has more than 4 GiB, the most a GLB can hold; lower the resolution.");
  }
  write_file(file, glb_bytes(std::move(text), std::move(builder.binary)));
}

}  // namespace moca::mesh
