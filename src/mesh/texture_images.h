#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "moca/image/image.h"

namespace moca::mesh {

// The images of a mesh file's textures, each decoded once. One that cannot be read is no reason
// to refuse a shape: it is named in a warning.
class TextureImages {
 public:
  explicit TextureImages(std::filesystem::path mesh_file) : mesh_file_(std::move(mesh_file)) {}

  // `bytes` gives the PNG, JPEG or WebP file. Null when it throws an Error or cannot be decoded.
  std::shared_ptr<const Image> get(const std::string& name,
                                   const std::function<std::string()>& bytes);
  // A file that the mesh file names: relative to its folder, also with a backslash between folders.
  std::shared_ptr<const Image> get_file(const std::string& name);

 private:
  std::filesystem::path mesh_file_;
  std::map<std::string, std::shared_ptr<const Image>> known_;
};

}  // namespace moca::mesh
