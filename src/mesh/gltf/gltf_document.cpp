#include "gltf_document.h"

#include <meshoptimizer.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "../glb.h"
#include "gltf_json.h"
#include "moca/core/file_io.h"

namespace moca::mesh {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxDecodedBytes = uint64_t{1} << 30;

// Buffers beside the file, and nowhere else: tinygltf also looks into the working directory.
tinygltf::FsCallbacks files_beside(std::string& folder) {
  const auto exists = [](const std::string& name, void* base) {
    return name.starts_with(*static_cast<std::string*>(base)) && is_ordinary_file(name);
  };
  const auto as_it_is = [](const std::string& name, void*) { return name; };
  const auto read = [](std::vector<unsigned char>* bytes, std::string* error,
                       const std::string& name, void*) {
    try {
      const std::string content = read_file(name);
      bytes->assign(content.begin(), content.end());
      return true;
    } catch (const std::exception& mistake) {
      *error = mistake.what();
      return false;
    }
  };
  const auto never = [](std::string*, const std::string&, const std::vector<unsigned char>&,
                        void*) { return false; };
  return {exists, as_it_is, read, never, &folder};
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text.erase(text.find_last_not_of(' ') + 1);
}

tinygltf::Model parse(const fs::path& file, const GltfJson& gltf) {
  std::string folder = (file.has_parent_path() ? file.parent_path() : fs::path(".")).string();
  tinygltf::TinyGLTF loader;
  loader.SetFsCallbacks(files_beside(folder));
  tinygltf::Model model;
  std::string error, warning;
  bool done = false;
  try {
    if (gltf.binary.empty()) {
      const std::string json = gltf.root.dump();
      done = loader.LoadASCIIFromString(&model, &error, &warning, json.data(),
                                        static_cast<unsigned>(json.size()), folder, 0);
    } else {
      const std::string glb = glb_bytes(gltf.root.dump(), gltf.binary);
      done = loader.LoadBinaryFromMemory(&model, &error, &warning,
                                         reinterpret_cast<const unsigned char*>(glb.data()),
                                         static_cast<unsigned>(glb.size()), folder, 0);
    }
  } catch (const std::exception& mistake) {
    error += mistake.what();
  }
  require(done && error.empty(), file, one_line(error.empty() ? "it is no glTF 2.0" : error),
          "; export it again.");
  return model;
}

int64_t integer_of(const GltfDocument& gltf, const tinygltf::Value& object, const char* key,
                   int64_t otherwise) {
  if (!object.Has(key)) {
    return otherwise;
  }
  const auto& value = object.Get(key);
  const double number = value.IsNumber() ? value.GetNumberAsDouble() : -1.0;
  gltf.require(number >= 0 && number <= 4e9, "its extension's ", key,
               " is no whole number; export it again.");
  return static_cast<int64_t>(number);
}

std::string text_of(const tinygltf::Value& object, const char* key) {
  return object.Has(key) && object.Get(key).IsString() ? object.Get(key).Get<std::string>() : "";
}

// Decodes one view of EXT_meshopt_compression into the buffer that it names.
void decode_view(GltfDocument& gltf, const tinygltf::BufferView& view,
                 const tinygltf::Value& meshopt) {
  const auto& source = gltf.at(gltf.model.buffers,
                               static_cast<int>(integer_of(gltf, meshopt, "buffer", -1)), "buffer")
                           .data;
  gltf.at(gltf.model.buffers, view.buffer, "buffer");
  auto& target = gltf.model.buffers[view.buffer].data;
  const auto number = [&](const char* key) -> uint64_t {
    return integer_of(gltf, meshopt, key, 0);
  };
  const auto offset = number("byteOffset"), length = number("byteLength");
  const auto stride = number("byteStride"), count = number("count");
  const std::string mode = text_of(meshopt, "mode"), filter = text_of(meshopt, "filter");
  const bool is_inside = offset <= source.size() && length <= source.size() - offset &&
                         view.byteOffset <= target.size() && stride > 0 && stride <= 256 &&
                         count <= (target.size() - view.byteOffset) / stride;
  gltf.require(is_inside, "a compressed buffer view does not fit its buffers; export it again.");
  const unsigned char* from = source.data() + offset;
  std::vector<unsigned char> decoded(count * stride);
  int failed = -1;
  if (mode == "ATTRIBUTES" && stride % 4 == 0) {
    failed = meshopt_decodeVertexBuffer(decoded.data(), count, stride, from, length);
  } else if (mode == "TRIANGLES" && count % 3 == 0 && (stride == 2 || stride == 4)) {
    failed = meshopt_decodeIndexBuffer(decoded.data(), count, stride, from, length);
  } else if (mode == "INDICES" && (stride == 2 || stride == 4)) {
    failed = meshopt_decodeIndexSequence(decoded.data(), count, stride, from, length);
  }
  gltf.require(failed == 0, "a buffer view compressed by EXT_meshopt_compression (mode ", mode,
               ") cannot be decoded; export it again.");
  if (filter == "EXPONENTIAL") {
    meshopt_decodeFilterExp(decoded.data(), count, stride);
  } else if (filter == "QUATERNION" && stride == 8) {
    meshopt_decodeFilterQuat(decoded.data(), count, stride);
  } else if (filter == "OCTAHEDRAL" && (stride == 4 || stride == 8)) {
    meshopt_decodeFilterOct(decoded.data(), count, stride);
  }
  std::memcpy(target.data() + view.byteOffset, decoded.data(), decoded.size());
}

void decode_views(GltfDocument& gltf, const std::vector<uint64_t>& fallback_bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < fallback_bytes.size() && i < gltf.model.buffers.size(); ++i) {
    sum += fallback_bytes[i];
    gltf.require(sum <= kMaxDecodedBytes,
                 "its compressed buffers hold more than 1 GiB; export it in parts.");
    if (fallback_bytes[i] > 0) {
      gltf.model.buffers[i].data.resize(fallback_bytes[i]);
    }
  }
  for (const auto& view : gltf.model.bufferViews) {
    const auto meshopt = view.extensions.find("EXT_meshopt_compression");
    if (meshopt != view.extensions.end()) {
      decode_view(gltf, view, meshopt->second);
    }
  }
}

}  // namespace

std::string_view GltfDocument::bytes_of_view(int index) const {
  const auto& view = at(model.bufferViews, index, "buffer view");
  const auto& data = at(model.buffers, view.buffer, "buffer").data;
  require(view.byteOffset <= data.size() && view.byteLength <= data.size() - view.byteOffset,
          "a buffer view reaches beyond its buffer; export it again.");
  return {reinterpret_cast<const char*>(data.data()) + view.byteOffset, view.byteLength};
}

GltfDocument load_gltf(const fs::path& file) {
  auto json = read_gltf_json(file);
  GltfDocument gltf{file, parse(file, json), std::move(json.images)};
  decode_views(gltf, json.fallback_bytes);
  return gltf;
}

}  // namespace moca::mesh
