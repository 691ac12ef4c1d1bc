#pragma once

#include <filesystem>

#include "moca/mesh/mesh_io.h"
#include "scene_builder.h"
#include "surface.h"

// One reader per format. Each refuses a file that is broken.
namespace moca::mesh {

// A PLY, text or binary: polygons and triangle strips, colours of vertices or faces. Textures are
// named in a warning.
Surface read_ply(const std::filesystem::path& file);

// Gives the solids of an STL file to the builder: one of a binary file, any number of a text.
// Colours, which no standard defines, are not read.
void read_stl(const std::filesystem::path& file, SceneBuilder& builder);

// Gives the components of an OBJ file to the builder: its objects or, where it names none, its
// groups; by ComponentRule::kPrimitive each of them divided by material.
void read_obj(const std::filesystem::path& file, ComponentRule rule, SceneBuilder& builder);

// Gives the components of a GLB or glTF file to the builder, node after node.
void read_gltf(const std::filesystem::path& file, ComponentRule rule, SceneBuilder& builder);

}  // namespace moca::mesh
