#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "moca/procedural/procedural_assets.h"

namespace moca::procedural {

// Calls `check` with assets of every family, every `step`-th number of components and several
// seeds.
template <typename Check>
void for_each_asset(int step, uint64_t num_seeds, const Check& check) {
  for (const Family family : kAllFamilies) {
    for (int count = kMinComponents; count <= kMaxComponents; count += step) {
      for (uint64_t seed = 0; seed < num_seeds; ++seed) {
        const ProceduralAsset asset = make_asset(family, count, count, seed);
        SCOPED_TRACE(asset.name + " with " + std::to_string(count));
        check(asset, count);
      }
    }
  }
}

// "leg" of "leg_3".
inline std::string role_of(const ProceduralComponent& component) {
  std::string role = component.name;
  while (std::isdigit(static_cast<unsigned char>(role.back())) != 0) {
    role.pop_back();
  }
  return role.back() == '_' ? role.substr(0, role.size() - 1) : component.name;
}

}  // namespace moca::procedural
