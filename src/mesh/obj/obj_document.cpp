#include "obj_document.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "../mesh_file_check.h"
#include "../text_scanner.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/core/utf8.h"

namespace moca::mesh {
namespace {

namespace fs = std::filesystem;

class ObjLines {
 public:
  explicit ObjLines(const fs::path& file) : file_(file), text_(read_file(file)), lines_(text_) {}

  ObjDocument read() {
    while (auto line = lines_.next()) {
      read_line(*line);
    }
    scale_colors();
    if (num_degenerate_ > 0) {
      log::warn(file_.string() + ": " + std::to_string(num_degenerate_) +
                " faces of fewer than 3 corners are left out");
    }
    return std::move(obj_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... reason) const {
    refuse_mesh_file(file_, "line ", lines_.number(), " ", reason..., "; re-export it.");
  }

  void read_line(std::string_view line) {
    const auto keyword = next_word(line);
    if (keyword == "v") {
      read_point(line);
    } else if (keyword == "vt") {
      read_uv(line);
    } else if (keyword == "f" || keyword == "fo") {
      read_face(line);
    } else if (keyword == "o") {
      obj_.objects.emplace_back(trimmed(line));
      object_ = static_cast<uint32_t>(obj_.objects.size() - 1);
    } else if (keyword == "g") {
      group_ = index_of(obj_.groups, group_indices_, trimmed(line));
    } else if (keyword == "usemtl") {
      material_ = index_of(obj_.used_materials, material_indices_, trimmed(line));
    } else if (keyword == "mtllib") {
      read_materials(trimmed(line));
    }
  }

  // Names that come again are the same group or material.
  static uint32_t index_of(std::vector<std::string>& names, std::map<std::string, uint32_t>& known,
                           std::string_view name) {
    const auto [entry, is_new] =
        known.try_emplace(std::string(name), static_cast<uint32_t>(names.size()));
    if (is_new) {
      names.emplace_back(name);
    }
    return entry->second;
  }

  // x y z, then nothing, a weight, or a colour (with or without a weight before it).
  void read_point(std::string_view line) {
    std::array<double, 7> numbers{};
    size_t count = 0;
    for (auto word = next_word(line); !word.empty() && count < numbers.size();
         word = next_word(line)) {
      const auto number = number_of(word);
      if (!number && count < 3) {
        refuse("has '", to_utf8(word.substr(0, 20)), "' in place of a number");
      }
      if (!number) {
        break;  // a comment after the numbers
      }
      numbers[count++] = *number;
    }
    if (count < 3) {
      refuse("gives a vertex of ", count, " numbers, 3 are needed");
    }
    obj_.points.emplace_back(numbers[0], numbers[1], numbers[2]);
    if (count >= 6) {
      obj_.colors.resize(obj_.points.size() - 1, ObjMaterial().color);
      const double* color = numbers.data() + (count == 7 ? 4 : 3);
      obj_.colors.emplace_back(color[0], color[1], color[2]);
    }
  }

  void read_uv(std::string_view line) {
    const double u = number_of(next_word(line)).value_or(0);
    const double v = number_of(next_word(line)).value_or(0);
    obj_.uvs.emplace_back(static_cast<float>(u), static_cast<float>(v));
  }

  void read_face(std::string_view line) {
    ObjFace face{obj_.corners.size(), 0, object_, group_, material_};
    for (auto word = next_word(line); !word.empty() && word.front() != '#';
         word = next_word(line)) {
      obj_.corners.push_back(corner(word));
      ++face.num_corners;
    }
    if (face.num_corners >= 3) {
      obj_.faces.push_back(face);
    } else {
      obj_.corners.resize(face.first_corner);
      ++num_degenerate_;
    }
  }

  // "7", "7/3", "7//2", "7/3/2"; from 1, or from -1 backwards. What follows the second slash is a
  // normal, which the faces have without it.
  ObjCorner corner(std::string_view word) const {
    const size_t slash = word.find('/');
    const auto point = resolved(word.substr(0, slash), obj_.points.size());
    if (!point) {
      refuse("names the vertex '", to_utf8(word.substr(0, 20)), "' where ", obj_.points.size(),
             " are given so far");
    }
    ObjCorner result{*point, -1};
    if (slash != word.npos) {
      const auto rest = word.substr(slash + 1);
      const auto uv = resolved(rest.substr(0, rest.find('/')), obj_.uvs.size());
      result.uv = uv ? static_cast<int32_t>(*uv) : -1;
    }
    return result;
  }

  static std::optional<uint32_t> resolved(std::string_view word, size_t count) {
    const auto number = whole_number_of(word);
    const auto size = static_cast<int64_t>(count);
    if (!number || *number == 0 || *number > size || *number < -size ||
        size > std::numeric_limits<int32_t>::max()) {
      return std::nullopt;
    }
    return static_cast<uint32_t>(*number > 0 ? *number - 1 : size + *number);
  }

  // One name that may have blanks, or several names.
  void read_materials(std::string_view names) {
    if (is_ordinary_file(named_file(file_, std::string(names)))) {
      return read_material_file(names);
    }
    for (auto name = next_word(names); !name.empty(); name = next_word(names)) {
      read_material_file(name);
    }
  }

  void read_material_file(std::string_view name) {
    try {
      read_mtl(read_named_file(file_, std::string(name)), obj_.materials);
    } catch (const Error& error) {
      log::warn(file_.string() + ": its materials are not shown. " + error.what());
    }
  }

  // Some programs write colours from 0 to 255.
  void scale_colors() {
    obj_.colors.resize(obj_.colors.empty() ? 0 : obj_.points.size(), ObjMaterial().color);
    float highest = 0;
    for (const auto& color : obj_.colors) {
      highest = std::max(highest, color.maxCoeff());
    }
    for (auto& color : obj_.colors) {
      color = highest > 1 ? Eigen::Vector3f(color / 255.0F) : color;
      color = color.allFinite() ? Eigen::Vector3f(color.cwiseMax(0.0F).cwiseMin(1.0F))
                                : ObjMaterial().color;
    }
  }

  const fs::path& file_;
  std::string text_;
  LineScanner lines_;
  ObjDocument obj_;
  std::map<std::string, uint32_t> group_indices_ = {{"", 0}}, material_indices_ = {{"", 0}};
  uint32_t object_ = 0, group_ = 0, material_ = 0;
  int64_t num_degenerate_ = 0;
};

}  // namespace

ObjDocument load_obj(const fs::path& file) { return ObjLines(file).read(); }

}  // namespace moca::mesh
