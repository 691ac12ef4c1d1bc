#pragma once

#include <tiny_gltf.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "../mesh_file_check.h"

namespace moca::mesh {

// A glTF 2.0 file, binary or JSON with its buffers, as tinygltf reads it. Names are valid UTF-8,
// compressed buffer views are decoded, images are not.
struct GltfDocument {
  std::filesystem::path file;
  tinygltf::Model model;
  nlohmann::json images;  // the file's "images", "textures" and "samplers", unchecked

  // Throws an Error that names the file unless this holds.
  template <class... Parts>
  void require(bool holds, const Parts&... reason) const {
    mesh::require(holds, file, reason...);
  }
  // Refuses an index of something the file does not have: "node 7 of 3".
  template <class Item>
  const Item& at(const std::vector<Item>& items, int index, const char* what) const {
    require(index >= 0 && static_cast<size_t>(index) < items.size(), "it names ", what, " ", index,
            " and has ", items.size(), "; export it again.");
    return items[index];
  }
  // Of a buffer view.
  std::string_view bytes_of_view(int index) const;
};

// Refuses broken files and required extensions that are not read, by their names.
GltfDocument load_gltf(const std::filesystem::path& file);

}  // namespace moca::mesh
