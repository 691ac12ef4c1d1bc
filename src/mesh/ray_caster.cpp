#include "ray_caster.h"

#include <embree3/rtcore.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "closest_point.h"

namespace moca::mesh {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Crossing {
  float distance;
  uint32_t component;
  uint32_t face;
  bool leaves;  // the face looks along the ray
};

// Embree hands this context back to the filter; it must come first.
struct CrossingContext {
  RTCIntersectContext embree;
  std::vector<Crossing> crossings;
};

// Records a hit and rejects it, so that Embree goes on to the next one.
void record_crossing(const RTCFilterFunctionNArguments* arguments) {
  auto* context = reinterpret_cast<CrossingContext*>(arguments->context);
  for (unsigned i = 0; i < arguments->N; ++i) {
    if (arguments->valid[i] == 0) {
      continue;
    }
    const RTCHit hit = rtcGetHitFromHitN(arguments->hit, arguments->N, i);
    const RTCRay ray = rtcGetRayFromRayN(arguments->ray, arguments->N, i);
    const float along = hit.Ng_x * ray.dir_x + hit.Ng_y * ray.dir_y + hit.Ng_z * ray.dir_z;
    context->crossings.push_back({ray.tfar, hit.geomID, hit.primID, along > 0});
    arguments->valid[i] = 0;
  }
}

RTCRayHit make_ray(const Vec3& origin, const Vec3& direction) {
  RTCRayHit ray{};
  ray.ray.org_x = origin.x();
  ray.ray.org_y = origin.y();
  ray.ray.org_z = origin.z();
  ray.ray.dir_x = direction.x();
  ray.ray.dir_y = direction.y();
  ray.ray.dir_z = direction.z();
  ray.ray.tnear = 0;
  ray.ray.tfar = kInfinity;
  // Debian builds Embree with ray masks: a zero mask would hit nothing at all.
  ray.ray.mask = static_cast<unsigned>(-1);
  ray.hit.geomID = RTC_INVALID_GEOMETRY_ID;
  return ray;
}

struct DeviceDeleter {
  using pointer = RTCDevice;
  void operator()(RTCDevice device) const { rtcReleaseDevice(device); }
};
struct SceneDeleter {
  using pointer = RTCScene;
  void operator()(RTCScene scene) const { rtcReleaseScene(scene); }
};

}  // namespace

struct RayCaster::Embree {
  explicit Embree(const std::vector<const TriangleMesh*>& meshes);

  const std::array<int32_t, 3>& face(uint32_t component, uint32_t index) const {
    return faces_of[component][index];
  }
  const Vec3& vertex(uint32_t component, int32_t index) const {
    return vertices_of[component][index];
  }
  std::vector<Crossing> crossings(const Vec3& origin, const Vec3& direction) const;
  bool is_same_crossing(const Crossing& a, const Crossing& b) const;

  std::unique_ptr<RTCDevice, DeviceDeleter> device;
  std::unique_ptr<RTCScene, SceneDeleter> scene;
  // Embree's own copies of the components; Vec3 and std::array match its packed formats.
  std::vector<const Vec3*> vertices_of;
  std::vector<const std::array<int32_t, 3>*> faces_of;

 private:
  void attach(const TriangleMesh& mesh, uint32_t component);
};

RayCaster::Embree::Embree(const std::vector<const TriangleMesh*>& meshes)
    : device(rtcNewDevice("threads=1,set_affinity=0")) {
  if (!device) {
    throw std::runtime_error("Embree gave no device: error " +
                             std::to_string(rtcGetDeviceError(nullptr)));
  }
  scene.reset(rtcNewScene(device.get()));
  // Robust: no ray slips through between neighbouring faces. Filter: see record_crossing.
  rtcSetSceneFlags(scene.get(), static_cast<RTCSceneFlags>(RTC_SCENE_FLAG_ROBUST |
                                                           RTC_SCENE_FLAG_CONTEXT_FILTER_FUNCTION));
  vertices_of.resize(meshes.size());
  faces_of.resize(meshes.size());
  for (size_t i = 0; i < meshes.size(); ++i) {
    if (!meshes[i]->empty()) {
      attach(*meshes[i], static_cast<uint32_t>(i));
    }
  }
  rtcCommitScene(scene.get());
  const RTCError error = rtcGetDeviceError(device.get());
  if (error != RTC_ERROR_NONE) {
    throw std::runtime_error("Embree could not build its tree: error " + std::to_string(error));
  }
}

void RayCaster::Embree::attach(const TriangleMesh& mesh, uint32_t component) {
  const auto num_vertices = static_cast<int32_t>(mesh.vertices.size());
  for (const auto& face : mesh.faces) {
    if (std::min({face[0], face[1], face[2]}) < 0 ||
        std::max({face[0], face[1], face[2]}) >= num_vertices) {
      throw std::logic_error("RayCaster: component " + std::to_string(component) +
                             " has a face with a vertex outside its " +
                             std::to_string(num_vertices));
    }
  }
  static_assert(sizeof(Vec3) == 3 * sizeof(float));
  RTCGeometry geometry = rtcNewGeometry(device.get(), RTC_GEOMETRY_TYPE_TRIANGLE);
  auto* vertices = static_cast<Vec3*>(rtcSetNewGeometryBuffer(
      geometry, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, sizeof(Vec3), mesh.vertices.size()));
  auto* faces = static_cast<std::array<int32_t, 3>*>(
      rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3,
                              sizeof(mesh.faces[0]), mesh.faces.size()));
  if (vertices == nullptr || faces == nullptr) {
    rtcReleaseGeometry(geometry);
    throw std::bad_alloc();
  }
  std::copy(mesh.vertices.begin(), mesh.vertices.end(), vertices);
  std::copy(mesh.faces.begin(), mesh.faces.end(), faces);
  vertices_of[component] = vertices;
  faces_of[component] = faces;
  rtcCommitGeometry(geometry);
  rtcAttachGeometryByID(scene.get(), geometry, component);
  rtcReleaseGeometry(geometry);
}

// Two hits on neighbouring faces at one place, both entering or both leaving, are one crossing of
// the surface that went through their common edge or corner.
bool RayCaster::Embree::is_same_crossing(const Crossing& a, const Crossing& b) const {
  const float tolerance = 1e-5F * std::max(1.0F, b.distance);
  if (a.component != b.component || a.leaves != b.leaves || b.distance - a.distance > tolerance) {
    return false;
  }
  int num_shared = 0;
  for (const int32_t corner : face(a.component, a.face)) {
    const auto& other = face(b.component, b.face);
    num_shared += std::find(other.begin(), other.end(), corner) != other.end() ? 1 : 0;
  }
  return num_shared == 1 || num_shared == 2;
}

std::vector<Crossing> RayCaster::Embree::crossings(const Vec3& origin,
                                                   const Vec3& direction) const {
  CrossingContext context;
  rtcInitIntersectContext(&context.embree);
  context.embree.filter = record_crossing;
  RTCRayHit ray = make_ray(origin, direction);
  rtcIntersect1(scene.get(), &context.embree, &ray);
  std::vector<Crossing>& all = context.crossings;
  std::sort(all.begin(), all.end(), [](const Crossing& a, const Crossing& b) {
    return std::tie(a.distance, a.component, a.face) < std::tie(b.distance, b.component, b.face);
  });
  std::vector<Crossing> distinct;
  for (const Crossing& crossing : all) {
    const bool is_repeated =
        std::any_of(distinct.rbegin(), distinct.rbegin() + std::min<size_t>(distinct.size(), 8),
                    [&](const Crossing& kept) { return is_same_crossing(kept, crossing); });
    if (!is_repeated) {
      distinct.push_back(crossing);
    }
  }
  return distinct;
}

RayCaster::RayCaster(const Scene& scene) {
  std::vector<const TriangleMesh*> meshes;
  meshes.reserve(scene.components.size());
  for (const Component& component : scene.components) {
    meshes.push_back(&component.mesh);
  }
  embree_ = std::make_unique<Embree>(meshes);
}

RayCaster::RayCaster(const TriangleMesh& mesh)
    : embree_(std::make_unique<Embree>(std::vector<const TriangleMesh*>{&mesh})) {}

RayCaster::~RayCaster() = default;
RayCaster::RayCaster(RayCaster&&) noexcept = default;
RayCaster& RayCaster::operator=(RayCaster&&) noexcept = default;

Hit RayCaster::cast(const Vec3& origin, const Vec3& direction) const {
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  RTCRayHit ray = make_ray(origin, direction);
  rtcIntersect1(embree_->scene.get(), &context, &ray);
  Hit hit;
  if (ray.hit.geomID != RTC_INVALID_GEOMETRY_ID) {
    hit.component = static_cast<int32_t>(ray.hit.geomID);
    hit.face = static_cast<int32_t>(ray.hit.primID);
    hit.distance = ray.ray.tfar;
    hit.normal = Vec3(ray.hit.Ng_x, ray.hit.Ng_y, ray.hit.Ng_z).stableNormalized();
  }
  return hit;
}

int RayCaster::count_crossings(const Vec3& origin, const Vec3& direction) const {
  return static_cast<int>(embree_->crossings(origin, direction).size());
}

int RayCaster::winding_number(const Vec3& origin, const Vec3& direction) const {
  int sum = 0;
  for (const Crossing& crossing : embree_->crossings(origin, direction)) {
    sum += crossing.leaves ? 1 : -1;
  }
  return sum;
}

float RayCaster::distance_to_surface(const Vec3& point) const {
  struct Query {
    const Embree* embree;
    Vec3 point;
  } query{embree_.get(), point};
  const auto visit = [](RTCPointQueryFunctionArguments* arguments) {
    const auto* asked = static_cast<const Query*>(arguments->userPtr);
    const auto& face = asked->embree->face(arguments->geomID, arguments->primID);
    const Vec3 nearest =
        closest_point_on_triangle(asked->point, asked->embree->vertex(arguments->geomID, face[0]),
                                  asked->embree->vertex(arguments->geomID, face[1]),
                                  asked->embree->vertex(arguments->geomID, face[2]));
    const float distance = (nearest - asked->point).norm();
    if (distance < arguments->query->radius) {
      arguments->query->radius = distance;
      return true;
    }
    return false;
  };
  RTCPointQuery ball{};
  ball.x = point.x();
  ball.y = point.y();
  ball.z = point.z();
  ball.radius = kInfinity;
  RTCPointQueryContext context;
  rtcInitPointQueryContext(&context);
  rtcPointQuery(embree_->scene.get(), &ball, &context, visit, &query);
  return ball.radius;
}

}  // namespace moca::mesh
