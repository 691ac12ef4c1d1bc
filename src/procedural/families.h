#pragma once

#include "asset_builder.h"

namespace moca::procedural {

// Each adds exactly `count` components (2 to 32) of one family to an empty builder.
void build_chair(AssetBuilder& builder, int count);
void build_table(AssetBuilder& builder, int count);
void build_lamp(AssetBuilder& builder, int count);
void build_cabinet(AssetBuilder& builder, int count);
void build_shelf(AssetBuilder& builder, int count);
void build_vehicle(AssetBuilder& builder, int count);
void build_robot(AssetBuilder& builder, int count);
void build_building(AssetBuilder& builder, int count);
void build_airplane(AssetBuilder& builder, int count);
void build_tree(AssetBuilder& builder, int count);

}  // namespace moca::procedural
