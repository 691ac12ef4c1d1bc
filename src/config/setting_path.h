#pragma once

#include <string>

namespace moca::config {

// "section.name", or the name alone at the top level.
inline std::string path_of(const std::string& section, const std::string& name) {
  return section.empty() ? name : section + "." + name;
}

}  // namespace moca::config
