#pragma once

#include <embree3/rtcore.h>

#include <array>
#include <memory>
#include <vector>

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

  // First face that the ray from `origin` along unit `direction` meets.
  Hit cast(const Vec3& origin, const Vec3& direction) const;

  // Faces left minus faces entered by the whole ray: how often closed surfaces wind around
  // `origin`, 0 outside all of them. An edge or corner at which faces that look the same way meet
  // counts once.
  int winding_number(const Vec3& origin, const Vec3& direction) const;

  // Distance to the nearest point of any face, infinity when there is none.
  float distance_to_surface(const Vec3& point) const;

 private:
  // Embree's own copy of a component; Vec3 and std::array match its packed formats.
  struct Part {
    const Vec3* vertices = nullptr;
    const std::array<int32_t, 3>* faces = nullptr;
  };

  explicit RayCaster(const std::vector<const TriangleMesh*>& meshes);
  void attach(const TriangleMesh& mesh);

  std::unique_ptr<RTCDeviceTy, void (*)(RTCDevice)> device_;
  std::unique_ptr<RTCSceneTy, void (*)(RTCScene)> scene_;
  std::vector<Part> parts_;
};

}  // namespace moca::mesh
