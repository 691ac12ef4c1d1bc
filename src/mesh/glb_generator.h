#pragma once

namespace moca::mesh {

// What write_glb calls itself in a file. In its files a node without a mesh is a component without
// surface.
inline constexpr const char* kGenerator = "moca";

}  // namespace moca::mesh
