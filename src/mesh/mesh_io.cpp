#include "moca/mesh/mesh_io.h"

#include <assimp/material.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>
#include <algorithm>
#include <array>
#include <assimp/Importer.hpp>
#include <string>

#include "gltf/gltf_reader.h"
#include "mesh_file_check.h"
#include "ply_reader.h"
#include "scene_builder.h"

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

// Appends the triangles of `mesh` in the scene's frame.
void append(PlacedComponent& target, const aiMesh& mesh, const aiMatrix4x4& transform) {
  std::vector<Eigen::Vector3d> points;
  std::vector<std::array<uint32_t, 3>> faces;
  for (unsigned i = 0; i < mesh.mNumVertices; ++i) {
    const aiVector3D at = transform * mesh.mVertices[i];
    points.emplace_back(at.x, at.y, at.z);
  }
  // A mirroring transform turns the faces inside out; swapping two corners turns them back.
  const bool is_mirrored = transform.Determinant() < 0;
  for (unsigned i = 0; i < mesh.mNumFaces; ++i) {
    const aiFace& face = mesh.mFaces[i];
    if (face.mNumIndices != 3) {
      continue;
    }
    std::array<uint32_t, 3> corners = {face.mIndices[0], face.mIndices[1], face.mIndices[2]};
    if (is_mirrored) {
      std::swap(corners[1], corners[2]);
    }
    faces.push_back(corners);
  }
  target.append(points, faces);
}

bool has_valid_indices(const aiMesh& mesh) {
  return std::all_of(mesh.mFaces, mesh.mFaces + mesh.mNumFaces, [&](const aiFace& face) {
    return std::all_of(face.mIndices, face.mIndices + face.mNumIndices,
                       [&](unsigned index) { return index < mesh.mNumVertices; });
  });
}

void check_faces(const std::filesystem::path& file, const aiScene& source) {
  for (unsigned i = 0; i < source.mNumMeshes; ++i) {
    if (!has_valid_indices(*source.mMeshes[i])) {
      refuse_mesh_file(file, "it has faces with a vertex index out of range; re-export it.");
    }
  }
}

// Walks assimp's nodes, multiplying their transforms on the way down.
struct NodeWalk {
  const aiScene& source;
  ComponentRule rule;
  SceneBuilder& builder;

  PlacedComponent new_component(const aiNode& node) const {
    PlacedComponent component;
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
    PlacedComponent component = new_component(node);
    for (unsigned i = 0; i < node.mNumMeshes; ++i) {
      const aiMesh& mesh = *source.mMeshes[node.mMeshes[i]];
      if (!has_triangles(mesh)) {
        continue;
      }
      if (component.faces.empty()) {
        component.color = base_color(source, mesh);
      }
      append(component, mesh, transform);
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

PlacedComponent placed(const TriangleMesh& mesh, const std::string& name) {
  PlacedComponent component;
  component.name = name;
  for (const Vec3& vertex : mesh.vertices) {
    component.points.push_back(vertex.cast<double>());
  }
  for (const auto& face : mesh.faces) {
    component.faces.push_back({static_cast<uint32_t>(face[0]), static_cast<uint32_t>(face[1]),
                               static_cast<uint32_t>(face[2])});
  }
  return component;
}

}  // namespace

Scene read_scene(const std::filesystem::path& file, ComponentRule rule, NodeOrder order) {
  const std::string ending = check_mesh_file(file);
  SceneBuilder builder(file);
  if (ending == ".glb" || ending == ".gltf") {
    read_gltf(file, rule, order, builder);
  } else if (ending == ".ply") {
    builder.add(placed(read_ply(file), builder.default_name()));
  } else {
    Assimp::Importer importer;
    const aiScene* source = importer.ReadFile(file.string(), aiProcess_Triangulate);
    if (source == nullptr || source->mRootNode == nullptr) {
      refuse_mesh_file(file, one_line(importer.GetErrorString()));
    }
    check_faces(file, *source);
    NodeWalk{*source, rule, builder}.visit(*source->mRootNode, aiMatrix4x4());
  }
  return builder.finish();
}

}  // namespace moca::mesh
