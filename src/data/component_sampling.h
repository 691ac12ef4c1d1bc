#pragma once

#include "moca/data/asset_source.h"
#include "moca/data/prepared_dataset.h"

namespace moca::data {

// Surface points with normals, query points with signed distances, images and meshes of an asset.
AssetTensors sample_asset(const AssetEntry& entry, const SourceAsset& asset,
                          const DataConfig& config);

}  // namespace moca::data
