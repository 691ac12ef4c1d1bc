#include "mesh_file_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <system_error>

#include "bytes.h"
#include "moca/core/file_io.h"
#include "moca/core/utf8.h"
#include "text_scanner.h"

namespace moca::mesh {
namespace {

namespace fs = std::filesystem;

// Header "glTF", version, total length; then chunks of length, type and data (glTF 2.0, section 4).
void check_glb(const fs::path& file, uint64_t file_size) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 12> header{};
  require(stream.read(header.data(), header.size()) &&
              std::string_view(header.data(), 4).starts_with("glTF"),
          file, "it does not begin like a GLB; export it again as binary glTF 2.0.");
  const uint32_t version = value_at<uint32_t>(header.data() + 4);
  require(version == 2, file, "it is binary glTF version ", version, "; export version 2.");
  const uint64_t length = value_at<uint32_t>(header.data() + 8);
  uint64_t end = header.size();
  std::array<char, 8> chunk{};
  while (end + chunk.size() <= length && stream.seekg(static_cast<std::streamoff>(end)) &&
         stream.read(chunk.data(), chunk.size())) {
    end += chunk.size() + value_at<uint32_t>(chunk.data());
  }
  require(length <= file_size && end == length && end != header.size(), file, "its header says ",
          length, " bytes, its chunks end at ", end, " and the file has ", file_size,
          "; it was cut off, copy it again.");
}

}  // namespace

std::string check_mesh_file(const fs::path& file) {
  std::error_code error;
  require(fs::exists(file, error), file, "there is no such file.");
  require(fs::is_regular_file(file, error), file, "it is a folder, not a file.");
  const std::string ending = lower_case(file.extension().string());
  const std::array<std::string, 5> known = {".glb", ".gltf", ".obj", ".ply", ".stl"};
  require(std::ranges::count(known, ending) > 0, file, "its ending '", ending,
          "' is none of .glb, .gltf, .obj, .ply, .stl.");
  const uint64_t size = fs::file_size(file, error);
  require(!error && size > 0, file, error ? error.message() + "." : "it is empty.");
  if (ending == ".glb") {
    check_glb(file, size);
  }
  return ending;
}

fs::path named_file(const fs::path& mesh_file, std::string name) {
  std::ranges::replace(name, '\\', '/');
  return mesh_file.parent_path() / name;
}

bool is_ordinary_file(const fs::path& path) {
  constexpr uint64_t kMostBytes = uint64_t{1} << 32;  // a GLB cannot hold more
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return false;
  }
  const uint64_t size = fs::file_size(path, error);  // of most files in /proc: 0
  return !error && size > 0 && size <= kMostBytes;
}

std::string read_named_file(const fs::path& mesh_file, const std::string& name) {
  const auto path = named_file(mesh_file, name);
  if (!is_ordinary_file(path)) {
    throw Error("There is no file ", to_utf8(path.string()),
                " that could be read: it must exist and hold 1 byte to 4 GiB.");
  }
  return read_file(path);
}

}  // namespace moca::mesh
