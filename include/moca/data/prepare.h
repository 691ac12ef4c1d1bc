#pragma once

#include "moca/data/data_config.h"

namespace moca::data {

// Makes the prepared dataset that `config` describes in config.path: generates or reads the assets,
// samples surfaces and signed distances, renders the images. `made_by`: the settings as YAML,
// kept in the index. Refuses a path that holds a dataset already. Assets that cannot be used stop
// it with an Error that names the file.
void prepare_dataset(const DataConfig& config, const std::string& made_by);

}  // namespace moca::data
