#include "gltf_accessor.h"

#include <algorithm>
#include <limits>
#include <map>
#include <type_traits>

#include "../bytes.h"
#include "moca/core/mapped.h"

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
void read_numbers(const unsigned char* bytes, size_t count, bool normalized, double* target) {
  for (size_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(value_at<Number>(bytes + i * sizeof(Number)));
    // -128 and -127 both stand for -1.
    target[i] = normalized && std::is_integral_v<Number>
                    ? std::max(value / std::numeric_limits<Number>::max(), -1.0)
                    : value;
  }
}

struct NumberType {
  size_t bytes = 0;
  bool is_integer = false;
  void (*read)(const unsigned char* bytes, size_t count, bool normalized, double* target) = nullptr;
};

template <class Number>
NumberType type_of() {
  return {sizeof(Number), std::is_integral_v<Number>, read_numbers<Number>};
}

// Of no bytes where glTF 2.0 does not have this type.
NumberType type_of(int component_type) {
  static const std::map<int, NumberType> kTypes = {
      {TINYGLTF_COMPONENT_TYPE_BYTE, type_of<int8_t>()},
      {TINYGLTF_COMPONENT_TYPE_UNSIGNED_BYTE, type_of<uint8_t>()},
      {TINYGLTF_COMPONENT_TYPE_SHORT, type_of<int16_t>()},
      {TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT, type_of<uint16_t>()},
      {TINYGLTF_COMPONENT_TYPE_UNSIGNED_INT, type_of<uint32_t>()},
      {TINYGLTF_COMPONENT_TYPE_FLOAT, type_of<float>()}};
  const auto found = kTypes.find(component_type);
  return found == kTypes.end() ? NumberType{} : found->second;
}

NumberType known_type(const GltfDocument& gltf, int component_type) {
  const auto type = type_of(component_type);
  gltf.require(type.bytes > 0, "an accessor's componentType is ", component_type,
               ", which glTF 2.0 does not have; export it again.");
  return type;
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
  gltf.require(
      is_inside && (count == 0 || (room >= element && (room - element) / stride >= count - 1)),
      "accessor ", what, " of ", count, " elements reaches beyond its buffer; export it again.");
  return {data.data() + view.byteOffset + offset, stride};
}

void put_sparse(const GltfDocument& gltf, const tinygltf::Accessor& accessor,
                const NumberType& type, const char* what, AccessorRows& rows) {
  const auto& sparse = accessor.sparse;
  const auto count = static_cast<size_t>(sparse.count);
  const auto index_type = known_type(gltf, sparse.indices.componentType);
  const auto indices = layout_of(gltf, sparse.indices.bufferView, sparse.indices.byteOffset, count,
                                 index_type.bytes, what);
  const auto values = layout_of(gltf, sparse.values.bufferView, sparse.values.byteOffset, count,
                                type.bytes * rows.width, what);
  for (size_t i = 0; i < count; ++i) {
    double index = 0;
    index_type.read(indices.bytes + i * indices.stride, 1, false, &index);
    gltf.require(index_type.is_integer && index >= 0 && index < static_cast<double>(rows.count),
                 "a sparse index of accessor ", what, " is out of range; export it again.");
    type.read(values.bytes + i * values.stride, rows.width, accessor.normalized,
              &rows.numbers[static_cast<size_t>(index) * rows.width]);
  }
}

}  // namespace

AccessorRows read_rows(const GltfDocument& gltf, int index, const char* what, size_t width) {
  const auto& accessor = gltf.at(gltf.model.accessors, index, "accessor");
  const auto own_width = static_cast<size_t>(
      std::max(tinygltf::GetNumComponentsInType(static_cast<uint32_t>(accessor.type)), 0));
  const size_t most = (accessor.bufferView >= 0 ? kMaxNumbers : kMaxZeros) / width;
  gltf.require(own_width == width && accessor.count <= most, "accessor ", what, " has ",
               accessor.count, " elements of ", own_width, " numbers; it must have at most ", most,
               " of ", width, ".");
  const auto type = known_type(gltf, accessor.componentType);
  AccessorRows rows{accessor.count, width, std::vector<double>(accessor.count * width)};
  if (accessor.bufferView >= 0) {
    const auto layout = layout_of(gltf, accessor.bufferView, accessor.byteOffset, accessor.count,
                                  type.bytes * width, what);
    for (size_t i = 0; i < rows.count; ++i) {
      type.read(layout.bytes + i * layout.stride, width, accessor.normalized,
                &rows.numbers[i * width]);
    }
  }
  if (accessor.sparse.isSparse) {
    put_sparse(gltf, accessor, type, what, rows);
  }
  return rows;
}

std::vector<uint32_t> read_indices(const GltfDocument& gltf, int index) {
  const auto& accessor = gltf.at(gltf.model.accessors, index, "accessor");
  gltf.require(type_of(accessor.componentType).is_integer && !accessor.normalized,
               "its vertex indices are no whole numbers; export it again.");
  const auto index_of = [](double number) { return static_cast<uint32_t>(std::max(number, 0.0)); };
  return mapped(read_rows(gltf, index, "indices", 1).numbers, index_of);
}

}  // namespace moca::mesh
