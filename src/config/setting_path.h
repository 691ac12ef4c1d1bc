#pragma once

#include <string>
#include <utility>

namespace moca::config {

// The section and the name of a path.
inline std::pair<std::string, std::string> split(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? std::pair{std::string(), path}
                                  : std::pair{path.substr(0, dot), path.substr(dot + 1)};
}

}  // namespace moca::config
