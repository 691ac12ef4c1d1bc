#pragma once

#include <memory>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

struct Hit {
  int32_t component = -1;  // index in the scene, -1 where the ray leaves it
  int32_t face = -1;
  float distance = 0;
  Vec3 normal = Vec3::Zero();  // unit, of the face as wound
};

// Embree over all components of a scene. Thread safe once built.
class RayCaster {
 public:
  explicit RayCaster(const Scene& scene);
  explicit RayCaster(const TriangleMesh& mesh);
  ~RayCaster();
  RayCaster(RayCaster&&) noexcept;
  RayCaster& operator=(RayCaster&&) noexcept;

  // First face that the ray from `origin` along unit `direction` meets.
  Hit cast(const Vec3& origin, const Vec3& direction) const;

  // Number of faces that the whole ray from `origin` crosses. An edge or corner at which faces that
  // look the same way meet counts once.
  int count_crossings(const Vec3& origin, const Vec3& direction) const;

  // Faces left minus faces entered by the whole ray: how often closed surfaces wind around
  // `origin`, 0 outside all of them.
  int winding_number(const Vec3& origin, const Vec3& direction) const;

  // Distance to the nearest point of any face, infinity when there is none.
  float distance_to_surface(const Vec3& point) const;

 private:
  struct Embree;
  std::unique_ptr<Embree> embree_;
};

}  // namespace moca::mesh
