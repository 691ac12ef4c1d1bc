#include "mtl_reader.h"

#include <algorithm>
#include <set>

#include "../text_scanner.h"

namespace moca::mesh {
namespace {

// Takes up to three numbers; those that are not given are left as they are.
void take_numbers(std::string_view& line, Eigen::Vector2f& target) {
  for (int i = 0; i < 3; ++i) {
    auto after = line;
    const auto number = number_of(next_word(after));
    if (!number) {
      return;
    }
    if (i < 2) {
      target[i] = static_cast<float>(*number);
    }
    line = after;
  }
}

// "-o 0.5 0 -s 2 2 -clamp on wood grain.png": options, then a name that may have blanks.
void read_texture(std::string_view line, ObjMaterial& material) {
  static const std::set<std::string_view> kOfOneWord = {"-blendu", "-blendv",  "-bm",     "-boost",
                                                        "-cc",     "-imfchan", "-texres", "-type"};
  for (auto after = line; trimmed(line).starts_with('-'); line = after) {
    after = line;
    const auto option = next_word(after);
    Eigen::Vector2f unused;
    if (option == "-o" || option == "-s" || option == "-t") {
      take_numbers(after, option == "-o"   ? material.offset
                          : option == "-s" ? material.scale
                                           : unused);
    } else if (option == "-mm") {
      next_word(after);
      next_word(after);
    } else if (option == "-clamp") {
      material.is_clamped = next_word(after) == "on";
    } else if (kOfOneWord.contains(option)) {
      next_word(after);
    } else {
      break;  // a name that begins with a minus
    }
  }
  material.texture = trimmed(line);
}

void read_color(std::string_view line, ObjMaterial& material) {
  Eigen::Vector3f color;
  for (int i = 0; i < 3; ++i) {
    const auto number = number_of(next_word(line));
    if (!number || !(*number >= 0)) {
      return;  // "spectral" and "xyz" are other ways to say a colour
    }
    color[i] = static_cast<float>(std::min(*number, 1.0));
  }
  material.color = color;
}

}  // namespace

void read_mtl(std::string_view text, std::map<std::string, ObjMaterial>& materials) {
  LineScanner lines(text);
  ObjMaterial* material = nullptr;
  while (auto line = lines.next()) {
    const auto keyword = next_word(*line);
    if (keyword == "newmtl") {
      material =
          &materials.insert_or_assign(std::string(trimmed(*line)), ObjMaterial{}).first->second;
    } else if (material != nullptr && keyword == "Kd") {
      read_color(*line, *material);
    } else if (material != nullptr && (keyword == "map_Kd" || keyword == "map_kd")) {
      read_texture(*line, *material);
    }
  }
}

}  // namespace moca::mesh
