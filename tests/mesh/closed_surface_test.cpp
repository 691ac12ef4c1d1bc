#include <gtest/gtest.h>

#include "moca/mesh/scene_ops.h"
#include "moca/mesh/signed_distance.h"
#include "tests/mesh/shapes.h"

namespace moca::mesh {
namespace {

TEST(ClosedSurface, IsTheMeshItselfOnlyWhereItIsClosedAndFacesOutward) {
  const auto cube = testing::cube(0.5F);
  EXPECT_EQ(closed_surface(cube, 16).faces, cube.faces);
  auto inside_out = cube;
  testing::flip_faces(inside_out);
  for (const auto& mesh : {inside_out, testing::square(0)}) {
    const auto closed = closed_surface(mesh, 16);
    EXPECT_TRUE(is_watertight(closed));
    EXPECT_GT(signed_volume(closed), 0.0);
  }
}

}  // namespace
}  // namespace moca::mesh
