#pragma once

#include <filesystem>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// What counts as one component of a file: a node (its primitives joined), or every primitive by
// itself (what trimesh's scene.geometry, hence PartCrafter's preprocessing, does).
enum class ComponentRule { kNode, kPrimitive };

// Reads GLB, glTF, OBJ, PLY, STL. Node transforms are applied, names, colours and textures kept,
// polygons triangulated, corners at one position welded, vertices that no face uses dropped. Throws
// Error for a missing or broken file, no faces at all, non-finite vertices or an index out of
// range; components without faces are left out.
Scene read_scene(const std::filesystem::path& file, ComponentRule rule = ComponentRule::kNode);

// The same for whoever counts components: one without area is kept, without faces, and so is a node
// without a mesh in a GLB that write_glb wrote (in another program's file it only groups nodes).
// The scene may be without any face.
Scene read_scene_with_empty(const std::filesystem::path& file);

// Writes a GLB with one named node, mesh and flat colour per component.
void write_glb(const std::filesystem::path& file, const Scene& scene);

// Writes one mesh as .ply (binary), .obj or .glb, by the file's extension.
void write_mesh(const std::filesystem::path& file, const TriangleMesh& mesh);

}  // namespace moca::mesh
