#pragma once

#include "moca/data/data_config.h"
#include "moca/data/prepare.h"
#include "tests/support/temporary_folder.h"

namespace moca::testing {

// Settings of a dataset of a few procedural assets that takes well under a second.
inline data::DataConfig tiny_data_config(const TemporaryFolder& folder) {
  data::DataConfig config;
  config.path = folder / "dataset";
  config.procedural.num_assets = 3;
  config.procedural.max_components = 4;
  config.num_held_out = 1;
  config.num_surface_points = 64;
  config.num_query_points = 64;
  config.views.image_size = 16;
  config.views.azimuths = {35, 90};
  config.views.elevations = {22, 10};
  config.views.field_of_view = 0;
  return config;
}

}  // namespace moca::testing
