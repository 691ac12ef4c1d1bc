#include "polygon.h"

#include <GL/glu.h>

#include <Eigen/Geometry>
#include <cmath>
#include <memory>
#include <numbers>

namespace moca::mesh {
namespace {

using Triangles = std::vector<std::array<uint32_t, 3>>;

// Newell's normal: twice the area, whatever the polygon's shape.
Eigen::Vector3d normal_of(const std::vector<Eigen::Vector3d>& corners) {
  Eigen::Vector3d normal = Eigen::Vector3d::Zero();
  for (size_t i = 1; i + 1 < corners.size(); ++i) {
    normal += (corners[i] - corners[0]).cross(corners[i + 1] - corners[0]);
  }
  return normal;
}

// The fan from the corner `apex`, empty where a triangle of it would be turned over or the fan goes
// around the apex more than once.
Triangles fan(const std::vector<Eigen::Vector3d>& corners, uint32_t apex,
              const Eigen::Vector3d& normal) {
  const auto count = static_cast<uint32_t>(corners.size());
  Triangles triangles;
  double angle = 0;
  for (uint32_t i = 1; i + 1 < count; ++i) {
    const uint32_t second = (apex + i) % count, third = (apex + i + 1) % count;
    const Eigen::Vector3d a = corners[second] - corners[apex], b = corners[third] - corners[apex];
    const Eigen::Vector3d cross = a.cross(b);
    if (cross.dot(normal) < 0) {
      return {};
    }
    angle += std::atan2(cross.norm(), a.dot(b));
    triangles.push_back({apex, second, third});
  }
  return angle < 2 * std::numbers::pi ? triangles : Triangles{};
}

// What GLU's callbacks fill. They are called through C, so nothing in them may throw.
struct Tessellation {
  std::vector<uint32_t> corners;  // three of each triangle
  bool has_failed = false;        // sides cross, or GLU gave up
};

void GLAPIENTRY take_corner(void* index, void* target) {
  static_cast<Tessellation*>(target)->corners.push_back(*static_cast<uint32_t*>(index));
}

// GLU asks for a new corner where sides cross, and where corners coincide: there an old one does.
void GLAPIENTRY combine(GLdouble at[3], void* indices[4], GLfloat[4], void** result, void* target) {
  auto* tessellation = static_cast<Tessellation*>(target);
  *result = indices[0];
  tessellation->has_failed = tessellation->has_failed || !std::isfinite(at[0]) ||
                             indices[2] != nullptr;  // two corners coincide, four are a crossing
}

void GLAPIENTRY fail(GLenum, void* target) {
  static_cast<Tessellation*>(target)->has_failed = true;
}

// Asking for edge flags makes GLU give single triangles, no strips.
void GLAPIENTRY ignore_edge(GLboolean) {}

Triangles tessellate(const std::vector<Eigen::Vector3d>& corners, const Eigen::Vector3d& normal) {
  using Callback = void (*)();
  const std::unique_ptr<GLUtesselator, void (*)(GLUtesselator*)> glu(gluNewTess(), gluDeleteTess);
  gluTessCallback(glu.get(), GLU_TESS_VERTEX_DATA, reinterpret_cast<Callback>(take_corner));
  gluTessCallback(glu.get(), GLU_TESS_COMBINE_DATA, reinterpret_cast<Callback>(combine));
  gluTessCallback(glu.get(), GLU_TESS_ERROR_DATA, reinterpret_cast<Callback>(fail));
  gluTessCallback(glu.get(), GLU_TESS_EDGE_FLAG, reinterpret_cast<Callback>(ignore_edge));
  gluTessProperty(glu.get(), GLU_TESS_WINDING_RULE, GLU_TESS_WINDING_NONZERO);
  gluTessNormal(glu.get(), normal.x(), normal.y(), normal.z());
  Tessellation result;
  std::vector<Eigen::Vector3d> moved(corners.size());
  std::vector<uint32_t> indices(corners.size());
  gluTessBeginPolygon(glu.get(), &result);
  gluTessBeginContour(glu.get());
  for (size_t i = 0; i < corners.size(); ++i) {
    moved[i] = corners[i] - corners[0];  // far from zero GLU would lose digits
    indices[i] = static_cast<uint32_t>(i);
    gluTessVertex(glu.get(), moved[i].data(), &indices[i]);
  }
  gluTessEndContour(glu.get());
  gluTessEndPolygon(glu.get());
  Triangles triangles;
  for (size_t i = 0; !result.has_failed && i + 2 < result.corners.size(); i += 3) {
    triangles.push_back({result.corners[i], result.corners[i + 1], result.corners[i + 2]});
  }
  return triangles;
}

}  // namespace

std::vector<std::array<uint32_t, 3>> triangulate(const std::vector<Eigen::Vector3d>& corners) {
  if (corners.size() == 3) {
    return {{0, 1, 2}};
  }
  const Eigen::Vector3d normal = normal_of(corners);
  const bool is_finite = normal.allFinite();
  auto triangles = fan(corners, 0, normal);
  if (triangles.empty() && is_finite && corners.size() == 4) {
    triangles = fan(corners, 1, normal);
  }
  if (triangles.empty() && is_finite && corners.size() > 4) {
    triangles = tessellate(corners, normal.normalized());
  }
  // Sides that cross enclose nothing in particular; a fan at least loses no corner.
  if (triangles.empty()) {
    for (uint32_t i = 1; i + 1 < corners.size(); ++i) {
      triangles.push_back({0, i, i + 1});
    }
  }
  return triangles;
}

}  // namespace moca::mesh
