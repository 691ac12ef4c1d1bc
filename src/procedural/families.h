#pragma once

#include "asset_builder.h"

namespace moca::procedural {

// Each makes exactly `count` components (2 to 32) of one family.
using Components = std::vector<ProceduralComponent>;
Components make_chair(const AssetBuilder& start);
Components make_table(const AssetBuilder& start);
Components make_lamp(const AssetBuilder& start);
Components make_cabinet(const AssetBuilder& start);
Components make_shelf(const AssetBuilder& start);
Components make_vehicle(const AssetBuilder& start);
Components make_robot(const AssetBuilder& start);
Components make_building(const AssetBuilder& start);
Components make_airplane(const AssetBuilder& start);
Components make_tree(const AssetBuilder& start);

// What a family's builder makes of this count and these random numbers.
template <typename Builder>
Components made_by(const AssetBuilder& start) {
  Builder builder{start};
  builder.build();
  return builder.finish();
}

}  // namespace moca::procedural
