#include "ray_caster.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

#include "closest_point.h"
#include "moca/core/mapped.h"
#include "moca/mesh/scene_ops.h"

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

// Two hits on neighbouring faces at one place, both entering or both leaving, are one crossing of
// the surface that went through their common edge or corner. `faces`: of b's component.
bool is_same_crossing(const Crossing& a, const Crossing& b, const std::array<int32_t, 3>* faces) {
  const float tolerance = 1e-5F * std::max(1.0F, b.distance);
  if (a.component != b.component || a.leaves != b.leaves || b.distance - a.distance > tolerance) {
    return false;
  }
  const auto& other = faces[b.face];
  const auto is_shared = [&](int32_t corner) { return std::ranges::count(other, corner) > 0; };
  const auto num_shared = std::ranges::count_if(faces[a.face], is_shared);
  return num_shared == 1 || num_shared == 2;
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

}  // namespace

RayCaster::RayCaster(const Scene& scene)
    : RayCaster(mapped(scene.components, [](const Component& part) { return &part.mesh; })) {}

RayCaster::RayCaster(const TriangleMesh& mesh) : RayCaster(std::vector{&mesh}) {}

RayCaster::RayCaster(const std::vector<const TriangleMesh*>& meshes)
    : device_(rtcNewDevice("threads=1,set_affinity=0"), rtcReleaseDevice),
      scene_(device_ ? rtcNewScene(device_.get()) : nullptr, rtcReleaseScene) {
  if (!device_) {
    throw std::runtime_error("Embree gave no device: error " +
                             std::to_string(rtcGetDeviceError(nullptr)));
  }
  // Robust: no ray slips through between neighbouring faces. Filter: see record_crossing.
  rtcSetSceneFlags(
      scene_.get(),
      static_cast<RTCSceneFlags>(RTC_SCENE_FLAG_ROBUST | RTC_SCENE_FLAG_CONTEXT_FILTER_FUNCTION));
  for (const TriangleMesh* mesh : meshes) {
    attach(*mesh);
  }
  rtcCommitScene(scene_.get());
  const RTCError error = rtcGetDeviceError(device_.get());
  if (error != RTC_ERROR_NONE) {
    throw std::runtime_error("Embree could not build its tree: error " + std::to_string(error));
  }
}

void RayCaster::attach(const TriangleMesh& mesh) {
  Part& part = parts_.emplace_back();
  if (mesh.empty()) {
    return;
  }
  const auto component = static_cast<unsigned>(parts_.size() - 1);
  check_faces(mesh, "RayCaster: component " + std::to_string(component));
  static_assert(sizeof(Vec3) == 3 * sizeof(float));
  RTCGeometry geometry = rtcNewGeometry(device_.get(), RTC_GEOMETRY_TYPE_TRIANGLE);
  auto* vertices = static_cast<Vec3*>(rtcSetNewGeometryBuffer(
      geometry, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, sizeof(Vec3), mesh.vertices.size()));
  auto* faces = static_cast<std::array<int32_t, 3>*>(
      rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3,
                              sizeof(mesh.faces[0]), mesh.faces.size()));
  if (vertices == nullptr || faces == nullptr) {
    rtcReleaseGeometry(geometry);
    throw std::bad_alloc();
  }
  std::ranges::copy(mesh.vertices, vertices);
  std::ranges::copy(mesh.faces, faces);
  part = {vertices, faces};
  rtcCommitGeometry(geometry);
  rtcAttachGeometryByID(scene_.get(), geometry, component);
  rtcReleaseGeometry(geometry);
}

Hit RayCaster::cast(const Vec3& origin, const Vec3& direction) const {
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  RTCRayHit ray = make_ray(origin, direction);
  rtcIntersect1(scene_.get(), &context, &ray);
  if (ray.hit.geomID == RTC_INVALID_GEOMETRY_ID) {
    return {};
  }
  return {static_cast<int32_t>(ray.hit.geomID), static_cast<int32_t>(ray.hit.primID), ray.ray.tfar,
          Vec3(ray.hit.Ng_x, ray.hit.Ng_y, ray.hit.Ng_z).stableNormalized()};
}

int RayCaster::winding_number(const Vec3& origin, const Vec3& direction) const {
  CrossingContext context;
  rtcInitIntersectContext(&context.embree);
  context.embree.filter = record_crossing;
  RTCRayHit ray = make_ray(origin, direction);
  rtcIntersect1(scene_.get(), &context.embree, &ray);
  std::vector<Crossing>& all = context.crossings;
  std::sort(all.begin(), all.end(), [](const Crossing& a, const Crossing& b) {
    return std::tie(a.distance, a.component, a.face) < std::tie(b.distance, b.component, b.face);
  });
  std::vector<Crossing> distinct;
  int sum = 0;
  for (const Crossing& crossing : all) {
    const auto is_it = [&](const Crossing& kept) {
      return is_same_crossing(kept, crossing, parts_[crossing.component].faces);
    };
    const auto recent = static_cast<ptrdiff_t>(std::min<size_t>(distinct.size(), 8));
    if (std::none_of(distinct.end() - recent, distinct.end(), is_it)) {
      distinct.push_back(crossing);
      sum += crossing.leaves ? 1 : -1;
    }
  }
  return sum;
}

float RayCaster::distance_to_surface(const Vec3& point) const {
  struct Query {
    const std::vector<Part>& parts;
    Vec3 point;
  } query{parts_, point};
  const auto visit = [](RTCPointQueryFunctionArguments* arguments) {
    const auto* asked = static_cast<const Query*>(arguments->userPtr);
    const auto& [vertices, faces] = asked->parts[arguments->geomID];
    const auto& [a, b, c] = faces[arguments->primID];
    const Vec3 nearest =
        closest_point_on_triangle(asked->point, vertices[a], vertices[b], vertices[c]);
    const float distance = (nearest - asked->point).norm();
    const bool is_nearer = distance < arguments->query->radius;
    if (is_nearer) {
      arguments->query->radius = distance;
    }
    return is_nearer;
  };
  RTCPointQuery ball{point.x(), point.y(), point.z(), /*time=*/0, /*radius=*/kInfinity};
  RTCPointQueryContext context;
  rtcInitPointQueryContext(&context);
  rtcPointQuery(scene_.get(), &ball, &context, visit, &query);
  return ball.radius;
}

}  // namespace moca::mesh
