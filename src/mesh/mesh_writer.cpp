#include <array>
#include <charconv>
#include <string>

#include "bytes.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/mesh/mesh_io.h"

namespace moca::mesh {
namespace {

// A keyword and numbers, each as the shortest text that reads back as the same number.
template <typename Number>
void append_line(std::string& text, char keyword, const std::array<Number, 3>& numbers) {
  text += keyword;
  for (const Number number : numbers) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text.append(1, ' ').append(digits.data(), end);
  }
  text += '\n';
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
    append_line<float>(text, 'v', {vertex.x(), vertex.y(), vertex.z()});
  }
  for (const auto& [a, b, c] : mesh.faces) {
    append_line<int32_t>(text, 'f', {a + 1, b + 1, c + 1});
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
    write_glb(file, {{{file.stem().string(), mesh}}});
  } else {
    throw Error("Cannot write ", file, ": its ending '", ending, "' is none of .ply, .obj, .glb.");
  }
}

}  // namespace moca::mesh
