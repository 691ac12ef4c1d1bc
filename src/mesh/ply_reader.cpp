#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bytes.h"
#include "mesh_file_check.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "polygon.h"
#include "readers.h"
#include "text_scanner.h"

namespace moca::mesh {
namespace {

namespace fs = std::filesystem;

// `is_swapped`: the bytes stand in the other order than this machine's.
template <class Value>
double number_from(const char* bytes, bool is_swapped) {
  std::array<char, sizeof(Value)> own;
  std::copy_n(bytes, own.size(), own.begin());
  if (is_swapped) {
    std::ranges::reverse(own);
  }
  return static_cast<double>(value_at<Value>(own.data()));
}

struct ScalarType {
  size_t size = 0;   // bytes
  double white = 1;  // of a colour's channel: whole numbers fill their type's range
  double (*number_from)(const char* bytes, bool is_swapped) = nullptr;
};

template <class Value>
ScalarType type_of() {
  const double white = std::is_integral_v<Value> ? std::exp2(8 * sizeof(Value)) - 1 : 1;
  return {sizeof(Value), white, number_from<Value>};
}

// What a property is read as; kOther is passed over.
enum class Role { kX, kY, kZ, kRed, kGreen, kBlue, kCorners, kOther };

struct Property {
  Role role = Role::kOther;
  ScalarType type;
  ScalarType count_type;  // size 0 unless the property is a list
};

struct Element {
  std::string name;
  size_t count = 0;
  std::vector<Property> properties;
};

const std::map<std::string, ScalarType> kTypes = {
    {"char", type_of<int8_t>()},     {"int8", type_of<int8_t>()},
    {"uchar", type_of<uint8_t>()},   {"uint8", type_of<uint8_t>()},
    {"short", type_of<int16_t>()},   {"int16", type_of<int16_t>()},
    {"ushort", type_of<uint16_t>()}, {"uint16", type_of<uint16_t>()},
    {"int", type_of<int32_t>()},     {"int32", type_of<int32_t>()},
    {"uint", type_of<uint32_t>()},   {"uint32", type_of<uint32_t>()},
    {"float", type_of<float>()},     {"float32", type_of<float>()},
    {"double", type_of<double>()},   {"float64", type_of<double>()}};

const std::map<std::string, Role> kRoles = {{"x", Role::kX},
                                            {"y", Role::kY},
                                            {"z", Role::kZ},
                                            {"red", Role::kRed},
                                            {"green", Role::kGreen},
                                            {"blue", Role::kBlue},
                                            {"diffuse_red", Role::kRed},
                                            {"diffuse_green", Role::kGreen},
                                            {"diffuse_blue", Role::kBlue},
                                            {"vertex_indices", Role::kCorners},
                                            {"vertex_index", Role::kCorners}};

// One row of an element; its list of corners is at the end of `corners_`.
struct Row {
  std::array<double, 3> position{};
  Eigen::Vector3f color = Component().color;
  size_t first_corner = 0;
};

struct Polygon {
  size_t first_corner = 0;
  size_t num_corners = 0;
  Eigen::Vector3f color;
};

class PlyReader {
 public:
  explicit PlyReader(const fs::path& file) : file_(file), bytes_(read_file(file)) {}

  Surface read() {
    read_header();
    for (const Element& element : elements_) {
      // Every row takes at least a byte: a larger count is a broken header, not a large file.
      require(element.count <= bytes_.size(), "its header promises ", element.count, " of '",
              element.name, "', more than the file can hold");
      for (size_t row = 0; row < element.count; ++row) {
        take(element, read_row(element));
      }
    }
    for (const auto& polygon : polygons_) {
      add_faces(polygon);
    }
    return std::move(surface_);
  }

 private:
  template <class... Parts>
  void require(bool holds, const Parts&... reason) const {
    mesh::require(holds, file_, reason..., "; re-export it.");
  }

  std::string next_line() {
    const size_t end = bytes_.find('\n', position_);
    require(end != std::string::npos, "its header has no end");
    std::string line = bytes_.substr(position_, end - position_);
    position_ = end + 1;
    std::erase(line, '\r');
    return std::string(trimmed(line));
  }

  ScalarType type_named(const std::string& name) const {
    const auto found = kTypes.find(name);
    require(found != kTypes.end(), "its header names the unknown type '", name, "'");
    return found->second;
  }

  void read_header() {
    require(next_line() == "ply", "it does not begin with 'ply'");
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
      } else if (keyword == "comment" && line.find("TextureFile") != std::string::npos) {
        log::warn(file_.string() + ": its texture is not shown, a PLY's vertex colours are.");
      }
      require(!words.fail() || keyword.empty(), "its header has the broken line '", line, "'");
    }
    require(
        format_ == "ascii" || format_ == "binary_little_endian" || format_ == "binary_big_endian",
        "its format '", format_, "' is unknown");
    for (const Element& element : elements_) {
      require_coordinates(element);
    }
    is_text_ = format_ == "ascii";
    is_swapped_ = (format_ == "binary_big_endian") == (std::endian::native == std::endian::little);
  }

  void require_coordinates(const Element& element) const {
    for (const auto& [name, role] : {std::pair("x", Role::kX), {"y", Role::kY}, {"z", Role::kZ}}) {
      const bool has = std::ranges::count(element.properties, role, &Property::role) > 0;
      require(element.name != "vertex" || has, "its vertices have no property '", name, "'");
    }
  }

  void read_property(std::istringstream& words) {
    Property property;
    std::string type, count_type, name;
    words >> type;
    if (type == "list") {
      words >> count_type >> type;
      property.count_type = type_named(count_type);
    }
    property.type = type_named(type);
    words >> name;
    const auto role = kRoles.find(name);
    property.role = role == kRoles.end() ? Role::kOther : role->second;
    elements_.back().properties.push_back(property);
  }

  Row read_row(const Element& element) {
    Row row{.first_corner = corners_.size()};
    for (const Property& property : element.properties) {
      if (property.count_type.size > 0) {
        read_list(property);
        continue;
      }
      const double value = next_number(property.type);
      if (property.role <= Role::kZ) {
        row.position[static_cast<size_t>(property.role)] = value;
      } else if (property.role <= Role::kBlue) {
        const int channel = static_cast<int>(property.role) - static_cast<int>(Role::kRed);
        const double part = std::isfinite(value) ? value / property.type.white : 0.0;
        row.color[channel] = static_cast<float>(std::clamp(part, 0.0, 1.0));
        has_face_colors_ = has_face_colors_ || element.name == "face";
      }
    }
    return row;
  }

  void read_list(const Property& property) {
    const double length = next_number(property.count_type);
    require(length >= 0 && length <= static_cast<double>(bytes_.size()), "it has a list of ",
            length, " entries");
    for (int64_t i = 0; i < static_cast<int64_t>(length); ++i) {
      const double value = next_number(property.type);
      if (property.role == Role::kCorners) {
        require(std::abs(value) <= std::numeric_limits<int32_t>::max(), "it has the vertex index ",
                value);
        corners_.push_back(static_cast<int64_t>(value));
      }
    }
  }

  void take(const Element& element, const Row& row) {
    if (element.name == "vertex") {
      surface_.points.emplace_back(row.position[0], row.position[1], row.position[2]);
      point_colors_.push_back(row.color);
    } else if (element.name == "tristrips") {
      take_strips(row);
    } else if (corners_.size() >= row.first_corner + 3) {
      polygons_.push_back({row.first_corner, corners_.size() - row.first_corner, row.color});
    }
  }

  // Strips one after another, each ended by -1; every other triangle runs backwards.
  void take_strips(const Row& row) {
    const std::vector<int64_t> strip(
        corners_.begin() + static_cast<std::ptrdiff_t>(row.first_corner), corners_.end());
    corners_.resize(row.first_corner);
    size_t first = 0;
    for (size_t i = 0; i < strip.size(); ++i) {
      if (strip[i] < 0) {
        first = i + 1;
      } else if (i >= first + 2) {
        const bool backwards = (i - first) % 2 == 1;
        polygons_.push_back({corners_.size(), 3, row.color});
        corners_.insert(corners_.end(), {strip[backwards ? i - 1 : i - 2],
                                         strip[backwards ? i - 2 : i - 1], strip[i]});
      }
    }
  }

  // Faces may stand before the vertices, so this comes last.
  void add_faces(const Polygon& polygon) {
    const int64_t* indices = corners_.data() + polygon.first_corner;
    polygon_points_.clear();
    for (const int64_t index : std::span(indices, polygon.num_corners)) {
      require(index >= 0 && index < static_cast<int64_t>(surface_.points.size()),
              "it has vertex index ", index, " but only ", surface_.points.size(), " vertices");
      polygon_points_.push_back(surface_.points[index]);
    }
    for (const auto& triangle : triangulate(polygon_points_)) {
      auto& face = surface_.faces.emplace_back();
      auto& colors = surface_.paint.colors.emplace_back();
      for (size_t i = 0; i < 3; ++i) {
        face[i] = static_cast<uint32_t>(indices[triangle[i]]);
        colors[i] = has_face_colors_ ? polygon.color : point_colors_[face[i]];
      }
    }
  }

  double next_number(const ScalarType& type) {
    return is_text_ ? next_text_number() : next_binary_number(type);
  }

  double next_text_number() {
    position_ = std::min(bytes_.find_first_not_of(" \t\r\n", position_), bytes_.size());
    const size_t end = std::min(bytes_.find_first_of(" \t\r\n", position_), bytes_.size());
    const auto word = std::string_view(bytes_).substr(position_, end - position_);
    const auto value = number_of(word);
    require(!word.empty(), "it was cut off");
    require(value.has_value(), "it has '", word.substr(0, 20), "' in place of a number");
    position_ = end;
    return *value;
  }

  double next_binary_number(const ScalarType& type) {
    require(position_ + type.size <= bytes_.size(), "it was cut off");
    const char* begin = &bytes_[position_];
    position_ += type.size;
    return type.number_from(begin, is_swapped_);
  }

  const fs::path& file_;
  std::string bytes_;
  size_t position_ = 0;
  std::string format_;
  bool is_text_ = false;
  bool is_swapped_ = false;  // the other order of bytes than this machine's
  std::vector<Element> elements_;
  std::vector<Eigen::Vector3f> point_colors_;
  std::vector<int64_t> corners_;  // of all polygons, one after another
  std::vector<Polygon> polygons_;
  std::vector<Eigen::Vector3d> polygon_points_;  // of one polygon
  bool has_face_colors_ = false;
  Surface surface_;
};

}  // namespace

Surface read_ply(const fs::path& file) { return PlyReader(file).read(); }

}  // namespace moca::mesh
