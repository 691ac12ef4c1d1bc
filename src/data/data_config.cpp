#include "moca/data/data_config.h"

#include "moca/core/error.h"

namespace moca::data {

void ProceduralConfig::validate(const std::string& path) const {
  if (min_components > max_components) {
    throw Error(path + ".min_components (" + std::to_string(min_components) + ") must be at most " +
                path + ".max_components (" + std::to_string(max_components) + ").");
  }
}

void ViewConfig::validate(const std::string& path) const {
  if (azimuths.empty() || azimuths.size() != elevations.size()) {
    throw Error(path + ".azimuths (" + std::to_string(azimuths.size()) + " values) and " + path +
                ".elevations (" + std::to_string(elevations.size()) +
                " values) must be equally long and not empty: one pair per view.");
  }
  if (!images.empty() && lines != mesh::Lines::kNone) {
    throw Error(path + ".lines is " + config::name_of(lines) + ", but " + path +
                ".images gives images that are not rendered: leave one of them out.");
  }
}

void DataConfig::validate(const std::string& path) const {
  if (this->path.empty()) {
    throw Error(path + ".path is empty: name the folder of the prepared dataset.");
  }
  if (source == Source::kProcedural && procedural.max_components > max_components) {
    throw Error(path + ".procedural.max_components (" + std::to_string(procedural.max_components) +
                ") must be at most " + path + ".max_components (" + std::to_string(max_components) +
                ").");
  }
  if (source == Source::kMeshes && meshes.folder.empty()) {
    throw Error(path + ".meshes.folder is empty: " + path +
                ".source: meshes needs the folder of the mesh files.");
  }
}

}  // namespace moca::data
