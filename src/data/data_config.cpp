#include "moca/data/data_config.h"

#include "moca/core/error.h"
#include "moca/data/asset_source.h"

namespace moca::data {

void ViewConfig::validate(const std::string& path) const {
  if (azimuths.empty() || azimuths.size() != elevations.size()) {
    throw Error(path, ".azimuths (", azimuths.size(), " values) and ", path, ".elevations (",
                elevations.size(),
                " values) must be equally long and not empty: one pair per view.");
  }
  if (!images.empty() && lines != mesh::Lines::kNone) {
    throw Error(path, ".lines is ", config::name_of(lines), ", but ", path,
                ".images gives images that are not rendered: leave one of them out.");
  }
}

void DataConfig::validate(const std::string& path) const {
  if (this->path.empty()) {
    throw Error(path, ".path is empty: name the folder of the prepared dataset.");
  }
  if (const auto& kind = chosen_source(*this); kind.validate) {
    kind.validate(*this, path);
  }
}

}  // namespace moca::data
