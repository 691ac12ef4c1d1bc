#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "bytes.h"
#include "mesh_file_check.h"
#include "moca/core/file_io.h"
#include "moca/core/utf8.h"
#include "readers.h"
#include "text_scanner.h"

namespace moca::mesh {
namespace {

constexpr size_t kHeader = 84;    // 80 bytes of text and the number of triangles
constexpr size_t kTriangle = 50;  // a normal, three corners and two bytes of no fixed meaning

uint32_t promised_triangles(const std::string& bytes) {
  return value_at<uint32_t>(&bytes[kHeader - sizeof(uint32_t)]);
}

// Binary files may begin with "solid" as well: what decides is their length, then their words.
bool is_text(const std::string& bytes) {
  if (bytes.size() >= kHeader &&
      bytes.size() == kHeader + kTriangle * size_t{promised_triangles(bytes)}) {
    return false;
  }
  const std::string begin = lower_case(std::string_view(bytes).substr(0, 1024));
  const size_t first = begin.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first != begin.npos && begin.compare(first, 5, "solid") == 0 &&
         (begin.find("facet") != begin.npos || begin.find("endsolid") != begin.npos);
}

void add_triangle(const std::array<Eigen::Vector3d, 3>& corners, Surface& surface) {
  const auto first = static_cast<uint32_t>(surface.points.size());
  surface.points.insert(surface.points.end(), corners.begin(), corners.end());
  surface.faces.push_back({first, first + 1, first + 2});
}

Surface binary_surface(const std::filesystem::path& file, const std::string& bytes) {
  const uint64_t room = bytes.size() < kHeader ? 0 : (bytes.size() - kHeader) / kTriangle;
  const uint64_t count = bytes.size() < kHeader ? 1 : promised_triangles(bytes);
  require(count <= room, file, "it promises ", count, " triangles and has ", room,
          "; it was cut off, copy it again.");
  Surface surface;
  for (uint64_t i = 0; i < count; ++i) {
    const auto numbers = value_at<std::array<float, 9>>(&bytes[kHeader + i * kTriangle + 12]);
    const Eigen::Matrix3d corners = Eigen::Matrix3f(numbers.data()).cast<double>();
    add_triangle({corners.col(0), corners.col(1), corners.col(2)}, surface);
  }
  return surface;
}

class StlText {
 public:
  StlText(const std::filesystem::path& file, const std::string& text, SceneBuilder& builder)
      : file_(file), lines_(text), builder_(builder) {}

  void read() {
    while (auto line = lines_.next()) {
      read_line(*line);
    }
    if (!corners_.empty()) {
      refuse("ends inside a facet");
    }
    if (!has_ended_) {
      refuse("is the last, without 'endsolid' after it: the file was cut off");
    }
    finish_solid();
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... reason) const {
    refuse_mesh_file(file_, "line ", lines_.number(), " ", reason..., "; re-export it.");
  }

  // The keywords may share lines.
  void read_line(std::string_view line) {
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      const auto keyword = lower_case(word);
      if (keyword == "solid") {
        finish_solid();
        name_ = to_utf8(trimmed(line));
        has_ended_ = false;
        return;
      }
      if (keyword == "vertex") {
        read_corner(line);
      } else if (keyword == "endfacet") {
        finish_facet();
      } else if (keyword == "endsolid") {
        has_ended_ = true;
        return;
      }
    }
  }

  void read_corner(std::string_view& line) {
    Eigen::Vector3d corner;
    for (int axis = 0; axis < 3; ++axis) {
      const auto word = next_word(line);
      const auto number = number_of(word);
      if (!number) {
        refuse("has '", to_utf8(word.substr(0, 20)), "' in place of a number");
      }
      corner[axis] = *number;
    }
    corners_.push_back(corner);
  }

  void finish_facet() {
    if (corners_.size() != 3) {
      refuse("ends a facet of ", corners_.size(), " corners, STL has 3");
    }
    add_triangle({corners_[0], corners_[1], corners_[2]}, surface_);
    corners_.clear();
  }

  void finish_solid() {
    surface_.paint_all(Component().color);
    builder_.add({name_, std::exchange(surface_, {})});
  }

  const std::filesystem::path& file_;
  LineScanner lines_;
  SceneBuilder& builder_;
  std::string name_;
  bool has_ended_ = false;  // the last solid
  Surface surface_;
  std::vector<Eigen::Vector3d> corners_;
};

}  // namespace

void read_stl(const std::filesystem::path& file, SceneBuilder& builder) {
  const std::string bytes = read_file(file);
  if (is_text(bytes)) {
    return StlText(file, bytes, builder).read();
  }
  auto surface = binary_surface(file, bytes);
  surface.paint_all(Component().color);
  builder.add({"", std::move(surface)});
}

}  // namespace moca::mesh
