#include <array>
#include <charconv>
#include <string>

#include "bytes.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/mesh/mesh_io.h"

namespace moca::mesh {
namespace {

// The shortest text that reads back as the same number.
template <typename Number>
void append_text(std::string& text, Number number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

std::string ply_bytes(const TriangleMesh& mesh) {
  std::string bytes = "ply\nformat binary_little_endian 1.0\nelement vertex " +
                      std::to_string(mesh.vertices.size()) +
                      "\nproperty float x\nproperty float y\nproperty float z\nelement face " +
                      std::to_string(mesh.faces.size()) +
                      "\nproperty list uchar int vertex_indices\nend_header\n";
  for (const Vec3& vertex : mesh.vertices) {
    append_bytes(bytes, vertex);
  }
  for (const auto& face : mesh.faces) {
    append_bytes(bytes, uint8_t{3});
    append_bytes(bytes, face);
  }
  return bytes;
}

std::string obj_text(const TriangleMesh& mesh) {
  std::string text;
  for (const Vec3& vertex : mesh.vertices) {
    text += "v";
    for (const float coordinate : vertex) {
      text += " ";
      append_text(text, coordinate);
    }
    text += "\n";
  }
  for (const auto& face : mesh.faces) {
    text += "f";
    for (const int32_t index : face) {
      text += " ";
      append_text(text, index + 1);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

void write_mesh(const std::filesystem::path& file, const TriangleMesh& mesh) {
  const std::string ending = file.extension().string();
  if (ending == ".ply") {
    write_file(file, ply_bytes(mesh));
  } else if (ending == ".obj") {
    write_file(file, obj_text(mesh));
  } else if (ending == ".glb") {
    Component component;
    component.name = file.stem().string();
    component.mesh = mesh;
    write_glb(file, {{std::move(component)}});
  } else {
    throw Error("Cannot write " + file.string() + ": its ending '" + ending +
                "' is none of .ply, .obj, .glb.");
  }
}

}  // namespace moca::mesh
