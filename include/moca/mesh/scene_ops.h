#pragma once

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

Box bounds(const TriangleMesh& mesh);
Box bounds(const Scene& scene);

// True if any component has a face.
bool has_faces(const Scene& scene);

// Moves a point x to (x - center) * scale.
struct Frame {
  Vec3 center = Vec3::Zero();
  float scale = 1;
};

// The frame in which the scene's bounding-box centre is 0 and its longest side `longest_side`.
// Throws Error for a scene without extent.
Frame normal_frame(const Scene& scene, float longest_side = 2.0F);

void move_to(const Frame& frame, Scene& scene);

// Moves the scene's bounding-box centre to 0 and scales its longest side to `longest_side`.
// PartCrafter normalises the whole scene to a longest side of 2. The origin becomes zero.
void normalise(Scene& scene, float longest_side = 2.0F);

// Gives the vertices relative to another origin, in the file's frame: two scenes with one origin
// stand as their files place them.
void move_origin(const Eigen::Vector3d& origin, Scene& scene);

// All components as one mesh, in order.
TriangleMesh fuse(const Scene& scene);

// Merges vertices at exactly equal positions and drops faces that repeat a vertex. The indices that
// the faces which are left had before.
std::vector<size_t> weld(TriangleMesh& mesh);

// True when every edge is shared by exactly two faces that run along it in opposite directions.
bool is_watertight(const TriangleMesh& mesh);

// Throws std::logic_error where a face has a vertex that the mesh does not have. `whose` is what
// the message calls the mesh.
void check_faces(const TriangleMesh& mesh, const std::string& whose);

// A face's normal, as long as twice its area.
Eigen::Vector3d double_area_normal(const TriangleMesh& mesh, const std::array<int32_t, 3>& face);

double surface_area(const TriangleMesh& mesh);

// Volume enclosed by a closed mesh; negative when its faces look inward.
double signed_volume(const TriangleMesh& mesh);

}  // namespace moca::mesh
