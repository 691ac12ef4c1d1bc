#include "ply_reader.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "mesh_file_check.h"

namespace moca::mesh {
namespace {

namespace fs = std::filesystem;

struct ScalarType {
  char kind = 0;  // 'i' signed, 'u' unsigned, 'f' floating point
  int size = 0;   // bytes
};

struct Property {
  std::string name;
  ScalarType type;
  ScalarType count_type;  // size 0 unless the property is a list
};

struct Element {
  std::string name;
  size_t count = 0;
  std::vector<Property> properties;
};

const std::map<std::string, ScalarType> kTypes = {
    {"char", {'i', 1}},  {"int8", {'i', 1}},    {"uchar", {'u', 1}},  {"uint8", {'u', 1}},
    {"short", {'i', 2}}, {"int16", {'i', 2}},   {"ushort", {'u', 2}}, {"uint16", {'u', 2}},
    {"int", {'i', 4}},   {"int32", {'i', 4}},   {"uint", {'u', 4}},   {"uint32", {'u', 4}},
    {"float", {'f', 4}}, {"float32", {'f', 4}}, {"double", {'f', 8}}, {"float64", {'f', 8}}};

template <typename Value>
double number_from(const char* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof(value));
  return static_cast<double>(value);
}

class PlyReader {
 public:
  explicit PlyReader(const fs::path& file) : file_(file) {
    std::ifstream stream(file, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(stream), {});
  }

  TriangleMesh read() {
    read_header();
    for (const Element& element : elements_) {
      // Every row takes at least a byte: a larger count is a broken header, not a large file.
      if (element.count > bytes_.size()) {
        refuse("its header promises " + std::to_string(element.count) + " of '" + element.name +
               "', more than the file can hold");
      }
      for (size_t row = 0; row < element.count; ++row) {
        read_row(element);
      }
    }
    check_indices();
    return std::move(mesh_);
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    refuse_mesh_file(file_, reason + "; re-export it.");
  }

  std::string next_line() {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string::npos) {
      refuse("its header has no end");
    }
    std::string line = bytes_.substr(position_, end - position_);
    position_ = end + 1;
    std::erase(line, '\r');
    return line;
  }

  ScalarType type_named(const std::string& name) const {
    const auto found = kTypes.find(name);
    if (found == kTypes.end()) {
      refuse("its header names the unknown type '" + name + "'");
    }
    return found->second;
  }

  void read_header() {
    if (next_line() != "ply") {
      refuse("it does not begin with 'ply'");
    }
    for (std::string line = next_line(); line != "end_header"; line = next_line()) {
      std::istringstream words(line);
      std::string keyword;
      words >> keyword;
      if (keyword == "format") {
        words >> format_;
      } else if (keyword == "element") {
        Element& element = elements_.emplace_back();
        words >> element.name >> element.count;
      } else if (keyword == "property" && !elements_.empty()) {
        read_property(words);
      }
      if (words.fail() && !keyword.empty()) {
        refuse("its header has the broken line '" + line + "'");
      }
    }
    if (format_ != "ascii" && format_ != "binary_little_endian" && format_ != "binary_big_endian") {
      refuse("its format '" + format_ + "' is unknown");
    }
  }

  void read_property(std::istringstream& words) {
    Property property;
    std::string type;
    words >> type;
    if (type == "list") {
      std::string count_type;
      words >> count_type >> type;
      property.count_type = type_named(count_type);
    }
    property.type = type_named(type);
    words >> property.name;
    elements_.back().properties.push_back(std::move(property));
  }

  void read_row(const Element& element) {
    Vec3 vertex = Vec3::Zero();
    for (const Property& property : element.properties) {
      if (property.count_type.size > 0) {
        read_list(property);
      } else {
        const auto value = static_cast<float>(next_number(property.type));
        if (property.name == "x" || property.name == "y" || property.name == "z") {
          vertex[property.name[0] - 'x'] = value;
        }
      }
    }
    if (element.name == "vertex") {
      mesh_.vertices.push_back(vertex);
    }
  }

  void read_list(const Property& property) {
    const double length = next_number(property.count_type);
    if (!(length >= 0) || length > static_cast<double>(bytes_.size())) {
      refuse("it has a list of " + std::to_string(length) + " entries");
    }
    const bool is_face = property.name == "vertex_indices" || property.name == "vertex_index";
    std::array<int32_t, 3> fan{};
    for (int i = 0; i < static_cast<int>(length); ++i) {
      const double value = next_number(property.type);
      if (!is_face) {
        continue;
      }
      if (!(value >= 0) || value > INT32_MAX) {
        refuse("it has the vertex index " + std::to_string(value));
      }
      fan[std::min(i, 2)] = static_cast<int32_t>(value);
      if (i >= 2) {
        mesh_.faces.push_back(fan);
        fan[1] = fan[2];
      }
    }
  }

  double next_number(ScalarType type) {
    return format_ == "ascii" ? next_text_number() : next_binary_number(type);
  }

  double next_text_number() {
    position_ = std::min(bytes_.find_first_not_of(" \t\r\n", position_), bytes_.size());
    const size_t end = std::min(bytes_.find_first_of(" \t\r\n", position_), bytes_.size());
    double value = 0;
    const auto [stop, error] =
        std::from_chars(bytes_.data() + position_, bytes_.data() + end, value);
    if (error != std::errc() || stop != bytes_.data() + end) {
      refuse(position_ == end
                 ? "it was cut off"
                 : "it has '" + bytes_.substr(position_, std::min<size_t>(end - position_, 20)) +
                       "' in place of a number");
    }
    position_ = end;
    return value;
  }

  double next_binary_number(ScalarType type) {
    if (position_ + type.size > bytes_.size()) {
      refuse("it was cut off");
    }
    char value[8] = {};
    std::copy_n(bytes_.data() + position_, type.size, value);
    position_ += type.size;
    if ((format_ == "binary_big_endian") == (std::endian::native == std::endian::little)) {
      std::reverse(value, value + type.size);
    }
    if (type.kind == 'f') {
      return type.size == 4 ? number_from<float>(value) : number_from<double>(value);
    }
    const bool is_signed = type.kind == 'i';
    switch (type.size) {
      case 1:
        return is_signed ? number_from<int8_t>(value) : number_from<uint8_t>(value);
      case 2:
        return is_signed ? number_from<int16_t>(value) : number_from<uint16_t>(value);
      default:
        return is_signed ? number_from<int32_t>(value) : number_from<uint32_t>(value);
    }
  }

  void check_indices() const {
    const auto num_vertices = static_cast<int32_t>(mesh_.vertices.size());
    for (const auto& face : mesh_.faces) {
      const int32_t highest = std::max({face[0], face[1], face[2]});
      if (highest >= num_vertices) {
        refuse("it has vertex index " + std::to_string(highest) + " but only " +
               std::to_string(num_vertices) + " vertices");
      }
    }
  }

  const fs::path& file_;
  std::string bytes_;
  size_t position_ = 0;
  std::string format_;
  std::vector<Element> elements_;
  TriangleMesh mesh_;
};

}  // namespace

TriangleMesh read_ply(const fs::path& file) { return PlyReader(file).read(); }

}  // namespace moca::mesh
