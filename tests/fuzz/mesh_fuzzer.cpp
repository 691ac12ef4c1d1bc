#include <cstring>

#include "fuzz.h"
#include "moca/mesh/mesh_io.h"

namespace {

using moca::testing::scratch_file;

// Parts of one input stand one after another, with a line of this between them.
constexpr std::string_view kCut = "\n#CUT#\n";

void append(std::string& bytes, size_t number) {
  const auto value = static_cast<uint32_t>(number);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_chunk(std::string& bytes, size_t type, std::string_view data) {
  append(bytes, data.size());
  append(bytes, type);
  bytes += data;
}

// A GLB of a JSON text and a binary part, its lengths right: few mutations would keep them so.
std::string glb_of(std::string_view json, std::string_view binary) {
  std::string chunks;
  append_chunk(chunks, 0x4E4F534A, json);
  append_chunk(chunks, 0x004E4942, binary);
  std::string bytes = "glTF";
  append(bytes, 2);
  append(bytes, 12 + chunks.size());
  return bytes + chunks;
}

// The second part is the binary chunk of a GLB; what an OBJ calls "input.mtl" and a glTF
// "input.bin".
std::string main_part(const std::string& input) {
  const size_t cut = input.find(kCut);
  if (cut == std::string::npos) {
    return input;
  }
  const auto first = std::string_view(input).substr(0, cut);
  const auto second = std::string_view(input).substr(cut + kCut.size());
  if (MOCA_ENDING == std::string_view(".glb")) {
    return glb_of(first, second);
  }
  const bool is_obj = MOCA_ENDING == std::string_view(".obj");
  moca::testing::write(scratch_file(is_obj ? "input.mtl" : "input.bin"), second);
  return std::string(first);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto file = scratch_file("input" MOCA_ENDING);
  moca::testing::write(file, main_part(moca::testing::text_of(data, size)));
  moca::testing::read([&] { moca::mesh::read_scene(file); });
  return moca::testing::read(
      [&] { moca::mesh::read_scene(file, moca::mesh::ComponentRule::kPrimitive); });
}
