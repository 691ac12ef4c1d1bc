#include "gltf_accessor.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace moca::mesh {
namespace {

// More is no mesh that the rest could work on.
constexpr size_t kMaxNumbers = size_t{1} << 26;
// Of an accessor without data, all zeros: a file of a few bytes could ask for any amount of them.
constexpr size_t kMaxZeros = size_t{1} << 22;

struct Layout {
  const unsigned char* bytes = nullptr;
  size_t stride = 0;
};

template <class Number>
double number_at(const unsigned char* bytes, bool normalized) {
  Number number;
  std::memcpy(&number, bytes, sizeof(number));
  const auto value = static_cast<double>(number);
  if (!normalized || !std::numeric_limits<Number>::is_integer) {
    return value;
  }
  // -128 and -127 both stand for -1.
  return std::max(value / static_cast<double>(std::numeric_limits<Number>::max()), -1.0);
}

double read_number(const unsigned char* bytes, int component_type, bool normalized) {
  switch (component_type) {
    case TINYGLTF_COMPONENT_TYPE_BYTE:
      return number_at<int8_t>(bytes, normalized);
    case TINYGLTF_COMPONENT_TYPE_UNSIGNED_BYTE:
      return number_at<uint8_t>(bytes, normalized);
    case TINYGLTF_COMPONENT_TYPE_SHORT:
      return number_at<int16_t>(bytes, normalized);
    case TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT:
      return number_at<uint16_t>(bytes, normalized);
    case TINYGLTF_COMPONENT_TYPE_UNSIGNED_INT:
      return number_at<uint32_t>(bytes, normalized);
    default:
      return number_at<float>(bytes, normalized);
  }
}

bool is_integer(int component_type) {
  return component_type >= TINYGLTF_COMPONENT_TYPE_BYTE &&
         component_type <= TINYGLTF_COMPONENT_TYPE_UNSIGNED_INT &&
         component_type != TINYGLTF_COMPONENT_TYPE_INT;
}

size_t bytes_of(const GltfDocument& gltf, int component_type) {
  if (!is_integer(component_type) && component_type != TINYGLTF_COMPONENT_TYPE_FLOAT) {
    gltf.refuse("an accessor's componentType is " + std::to_string(component_type) +
                ", which glTF 2.0 does not have; export it again.");
  }
  return static_cast<size_t>(
      tinygltf::GetComponentSizeInBytes(static_cast<uint32_t>(component_type)));
}

// Where `count` elements of `element` bytes stand in a view, `offset` bytes after its beginning.
Layout layout_of(const GltfDocument& gltf, int view_index, size_t offset, size_t count,
                 size_t element, const char* what) {
  const auto& view = gltf.at(gltf.model.bufferViews, view_index, "buffer view");
  const auto& data = gltf.at(gltf.model.buffers, view.buffer, "buffer").data;
  const size_t stride = view.byteStride > 0 ? view.byteStride : element;
  const bool is_inside = view.byteOffset <= data.size() &&
                         view.byteLength <= data.size() - view.byteOffset &&
                         offset <= view.byteLength && stride >= element;
  const size_t room = is_inside ? view.byteLength - offset : 0;
  if (!is_inside || (count > 0 && (room < element || (room - element) / stride < count - 1))) {
    gltf.refuse(std::string("accessor ") + what + " of " + std::to_string(count) +
                " elements reaches beyond its buffer; export it again.");
  }
  return {data.data() + view.byteOffset + offset, stride};
}

void fill(const Layout& layout, const tinygltf::Accessor& accessor, size_t number_bytes,
          AccessorRows& rows) {
  double* target = rows.numbers.data();
  for (size_t i = 0; i < rows.count; ++i) {
    const unsigned char* element = layout.bytes + i * layout.stride;
    for (size_t k = 0; k < rows.width; ++k) {
      *target++ =
          read_number(element + k * number_bytes, accessor.componentType, accessor.normalized);
    }
  }
}

void put_sparse(const GltfDocument& gltf, const tinygltf::Accessor& accessor, size_t number_bytes,
                const char* what, AccessorRows& rows) {
  const auto& sparse = accessor.sparse;
  const auto count = static_cast<size_t>(sparse.count);
  const int index_type = sparse.indices.componentType;
  const size_t index_bytes = bytes_of(gltf, index_type);
  const auto indices =
      layout_of(gltf, sparse.indices.bufferView, static_cast<size_t>(sparse.indices.byteOffset),
                count, index_bytes, what);
  const auto values =
      layout_of(gltf, sparse.values.bufferView, static_cast<size_t>(sparse.values.byteOffset),
                count, number_bytes * rows.width, what);
  for (size_t i = 0; i < count; ++i) {
    const double index = read_number(indices.bytes + i * indices.stride, index_type, false);
    if (!is_integer(index_type) || index < 0 || index >= static_cast<double>(rows.count)) {
      gltf.refuse(std::string("a sparse index of accessor ") + what +
                  " is out of range; export it again.");
    }
    double* row = rows.numbers.data() + static_cast<size_t>(index) * rows.width;
    for (size_t k = 0; k < rows.width; ++k) {
      row[k] = read_number(values.bytes + i * values.stride + k * number_bytes,
                           accessor.componentType, accessor.normalized);
    }
  }
}

}  // namespace

AccessorRows read_rows(const GltfDocument& gltf, int index, const char* what, size_t width) {
  const auto& accessor = gltf.at(gltf.model.accessors, index, "accessor");
  const auto own_width = static_cast<size_t>(
      std::max(tinygltf::GetNumComponentsInType(static_cast<uint32_t>(accessor.type)), 0));
  const size_t most = (accessor.bufferView >= 0 ? kMaxNumbers : kMaxZeros) / width;
  if (own_width != width || accessor.count > most) {
    gltf.refuse(std::string("accessor ") + what + " has " + std::to_string(accessor.count) +
                " elements of " + std::to_string(own_width) + " numbers; it must have at most " +
                std::to_string(most) + " of " + std::to_string(width) + ".");
  }
  const size_t number_bytes = bytes_of(gltf, accessor.componentType);
  Layout layout;
  if (accessor.bufferView >= 0) {
    layout = layout_of(gltf, accessor.bufferView, accessor.byteOffset, accessor.count,
                       number_bytes * width, what);
  }
  AccessorRows rows{accessor.count, width, std::vector<double>(accessor.count * width)};
  if (layout.bytes != nullptr) {
    fill(layout, accessor, number_bytes, rows);
  }
  if (accessor.sparse.isSparse) {
    put_sparse(gltf, accessor, number_bytes, what, rows);
  }
  return rows;
}

std::vector<uint32_t> read_indices(const GltfDocument& gltf, int index) {
  const auto& accessor = gltf.at(gltf.model.accessors, index, "accessor");
  if (!is_integer(accessor.componentType) || accessor.normalized) {
    gltf.refuse("its vertex indices are no whole numbers; export it again.");
  }
  const auto rows = read_rows(gltf, index, "indices", 1);
  std::vector<uint32_t> indices(rows.count);
  std::transform(rows.numbers.begin(), rows.numbers.end(), indices.begin(),
                 [](double number) { return static_cast<uint32_t>(std::max(number, 0.0)); });
  return indices;
}

}  // namespace moca::mesh
