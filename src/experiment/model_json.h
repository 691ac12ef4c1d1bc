#pragma once

#include <nlohmann/json.hpp>

#include "moca/experiment/model_description.h"

namespace moca::experiment {

nlohmann::ordered_json json_of(const ModelDescription& model);

}  // namespace moca::experiment
