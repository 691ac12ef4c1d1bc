#include "moca/mesh/mesh_io.h"

#include <assimp/material.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>
#include <algorithm>
#include <array>
#include <assimp/Importer.hpp>
#include <set>
#include <string>

#include "gltf_faces.h"
#include "mesh_file_check.h"
#include "moca/mesh/scene_ops.h"
#include "ply_reader.h"

namespace moca::mesh {
namespace {

// The loader's message could span lines; the user gets one.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

bool has_triangles(const aiMesh& mesh) {
  return (mesh.mPrimitiveTypes & aiPrimitiveType_TRIANGLE) != 0;
}

Vec3 base_color(const aiScene& scene, const aiMesh& mesh) {
  const Component defaults;
  if (mesh.mMaterialIndex >= scene.mNumMaterials) {
    return defaults.color;
  }
  const aiMaterial& material = *scene.mMaterials[mesh.mMaterialIndex];
  aiColor4D color;
  if (material.Get(AI_MATKEY_BASE_COLOR, color) != AI_SUCCESS &&
      material.Get(AI_MATKEY_COLOR_DIFFUSE, color) != AI_SUCCESS) {
    return defaults.color;
  }
  const Vec3 rgb(color.r, color.g, color.b);
  return rgb.allFinite() ? Vec3(rgb.cwiseMax(0.0F).cwiseMin(1.0F)) : defaults.color;
}

// Takes a file's components one by one, refuses broken ones and leaves out empty ones.
class SceneBuilder {
 public:
  explicit SceneBuilder(const std::filesystem::path& file) : file_(file) {}

  // The name that a component without one of its own gets.
  std::string default_name() const { return file_.stem().string(); }

  void add(Component component) {
    for (const Vec3& vertex : component.mesh.vertices) {
      if (!vertex.allFinite()) {
        refuse_mesh_file(file_, "component '" + component.name +
                                    "' has a vertex that is not a number; re-export it.");
      }
    }
    weld(component.mesh);
    if (component.mesh.empty()) {
      return;
    }
    const std::string name = component.name;
    for (int copy = 2; !names_.insert(component.name).second; ++copy) {
      component.name = name + "_" + std::to_string(copy);
    }
    scene_.components.push_back(std::move(component));
  }

  Scene finish() {
    if (scene_.components.empty()) {
      refuse_mesh_file(file_, "it has no faces; export a surface, not points or lines.");
    }
    return std::move(scene_);
  }

 private:
  const std::filesystem::path& file_;
  Scene scene_;
  std::set<std::string> names_;
};

// Appends the triangles of `mesh` in the scene's frame.
void append(TriangleMesh& target, const aiMesh& mesh, const aiMatrix4x4& transform) {
  const auto offset = static_cast<int32_t>(target.vertices.size());
  for (unsigned i = 0; i < mesh.mNumVertices; ++i) {
    const aiVector3D at = transform * mesh.mVertices[i];
    target.vertices.emplace_back(at.x, at.y, at.z);
  }
  // A mirroring transform turns the faces inside out; swapping two corners turns them back.
  const bool is_mirrored = transform.Determinant() < 0;
  for (unsigned i = 0; i < mesh.mNumFaces; ++i) {
    const aiFace& face = mesh.mFaces[i];
    if (face.mNumIndices != 3) {
      continue;
    }
    std::array<int32_t, 3> corners{};
    for (int c = 0; c < 3; ++c) {
      corners[c] = offset + static_cast<int32_t>(face.mIndices[c]);
    }
    if (is_mirrored) {
      std::swap(corners[1], corners[2]);
    }
    target.faces.push_back(corners);
  }
}

bool has_valid_indices(const aiMesh& mesh) {
  return std::all_of(mesh.mFaces, mesh.mFaces + mesh.mNumFaces, [&](const aiFace& face) {
    return std::all_of(face.mIndices, face.mIndices + face.mNumIndices,
                       [&](unsigned index) { return index < mesh.mNumVertices; });
  });
}

// Refuses vertex indices out of range, whether assimp passed them on or dropped their faces.
void check_faces(const std::filesystem::path& file, const aiScene& source, bool is_gltf) {
  int64_t num_triangles = 0;
  bool is_valid = true;
  for (unsigned i = 0; i < source.mNumMeshes; ++i) {
    const aiMesh& mesh = *source.mMeshes[i];
    is_valid = is_valid && has_valid_indices(mesh);
    num_triangles += has_triangles(mesh) ? mesh.mNumFaces : 0;
  }
  if (!is_valid || (is_gltf && num_triangles < count_gltf_faces(file))) {
    refuse_mesh_file(file, "it has faces with a vertex index out of range; re-export it.");
  }
}

// Walks assimp's nodes, multiplying their transforms on the way down.
struct NodeWalk {
  const aiScene& source;
  ComponentRule rule;
  SceneBuilder& builder;

  Component new_component(const aiNode& node) const {
    Component component;
    component.name = node.mName.C_Str();
    // assimp's stand-ins for nameless objects: "<STL_BINARY>" and the like, "defaultobject" in OBJ.
    if (component.name.empty() || component.name.front() == '<' ||
        component.name == "defaultobject") {
      component.name = builder.default_name();
    }
    return component;
  }

  void visit(const aiNode& node, const aiMatrix4x4& parent) const {
    const aiMatrix4x4 transform = parent * node.mTransformation;
    Component component = new_component(node);
    for (unsigned i = 0; i < node.mNumMeshes; ++i) {
      const aiMesh& mesh = *source.mMeshes[node.mMeshes[i]];
      if (!has_triangles(mesh)) {
        continue;
      }
      if (component.mesh.empty()) {
        component.color = base_color(source, mesh);
      }
      append(component.mesh, mesh, transform);
      if (rule == ComponentRule::kPrimitive) {
        builder.add(std::move(component));
        component = new_component(node);
      }
    }
    builder.add(std::move(component));
    for (unsigned i = 0; i < node.mNumChildren; ++i) {
      visit(*node.mChildren[i], transform);
    }
  }
};

}  // namespace

Scene read_scene(const std::filesystem::path& file, ComponentRule rule) {
  const std::string ending = check_mesh_file(file);
  SceneBuilder builder(file);
  if (ending == ".ply") {
    Component component;
    component.name = builder.default_name();
    component.mesh = read_ply(file);
    builder.add(std::move(component));
    return builder.finish();
  }
  Assimp::Importer importer;
  const aiScene* source = importer.ReadFile(file.string(), aiProcess_Triangulate);
  if (source == nullptr || source->mRootNode == nullptr) {
    refuse_mesh_file(file, one_line(importer.GetErrorString()));
  }
  check_faces(file, *source, ending == ".glb" || ending == ".gltf");
  NodeWalk{*source, rule, builder}.visit(*source->mRootNode, aiMatrix4x4());
  return builder.finish();
}

}  // namespace moca::mesh
