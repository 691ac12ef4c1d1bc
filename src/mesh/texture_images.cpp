#include "texture_images.h"

#include "mesh_file_check.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/utf8.h"
#include "moca/image/image_io.h"

namespace moca::mesh {

std::shared_ptr<const Image> TextureImages::get(const std::string& name,
                                                const std::function<std::string()>& bytes) {
  const auto [entry, is_new] = known_.try_emplace(name);
  if (is_new) {
    try {
      entry->second = std::make_shared<const Image>(decode_image(bytes(), to_utf8(name)));
    } catch (const Error& error) {
      log::warn(mesh_file_.string() + ": a texture is not shown. " + error.what());
    }
  }
  return entry->second;
}

std::shared_ptr<const Image> TextureImages::get_file(const std::string& name) {
  return get(name, [&] { return read_named_file(mesh_file_, name); });
}

}  // namespace moca::mesh
