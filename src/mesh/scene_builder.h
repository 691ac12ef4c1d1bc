#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "moca/mesh/triangle_mesh.h"
#include "surface.h"

namespace moca::mesh {

// A component where its file places it.
struct PlacedComponent {
  std::string name;
  Surface surface;
};

// What becomes of a component that has no area.
enum class EmptyRule { kLeaveOut, kKeep };

// Takes a file's components one by one, refuses broken ones and leaves out the points that no face
// uses.
class SceneBuilder {
 public:
  SceneBuilder(std::filesystem::path file, EmptyRule empty)
      : file_(std::move(file)), empty_(empty) {}

  // Without faces it is no component: points, lines. One without a name gets the file's.
  void add(PlacedComponent component);
  // A component of which the file says that it has no surface.
  void add_empty(std::string name);
  Scene finish();

 private:
  std::filesystem::path file_;
  EmptyRule empty_;
  std::vector<PlacedComponent> components_;
};

}  // namespace moca::mesh
