#pragma once

#include <string>
#include <vector>

#include "moca/config/binding.h"

// The way out of a misspelt name.
namespace moca::config {

// The one of `names` that `name` was most likely meant to be; empty where none is near.
std::string nearest_name(const std::string& name, const std::vector<std::string>& names);

// The same names, the nearest before the others.
std::vector<std::string> nearest_first(const std::string& name, std::vector<std::string> names);

// " Did you mean 'num_selected'?", or an empty text where no name is near.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& names);

// "unknown setting 'model.router.num_slected'. Did you mean 'model.router.num_selected'?", or what
// replaced it, or where the setting belongs, or which settings there are. `section` is "" for the
// whole config.
std::string unknown_setting(const Binding& binding, const std::string& section,
                            const std::string& name);

}  // namespace moca::config
