#pragma once

#include "asset_builder.h"

namespace moca::procedural {

// Each makes exactly `count` components (2 to 32) of one family.
using Components = std::vector<ProceduralComponent>;
Components make_chair(const Random& random, int count);
Components make_table(const Random& random, int count);
Components make_lamp(const Random& random, int count);
Components make_cabinet(const Random& random, int count);
Components make_shelf(const Random& random, int count);
Components make_vehicle(const Random& random, int count);
Components make_robot(const Random& random, int count);
Components make_building(const Random& random, int count);
Components make_airplane(const Random& random, int count);
Components make_tree(const Random& random, int count);

// What a family's builder makes of these random numbers.
template <typename Builder>
Components made_by(const Random& random, int count) {
  Builder builder{AssetBuilder(random, count)};
  builder.build();
  return builder.finish();
}

}  // namespace moca::procedural
