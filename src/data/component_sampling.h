#pragma once

#include <cstdint>

#include "moca/data/asset.h"
#include "source_asset.h"

namespace moca::data {

// Surface points with normals, query points with signed distances, pictures and meshes of an asset.
AssetTensors sample_asset(const SourceAsset& asset, const DataConfig& config, uint64_t seed);

}  // namespace moca::data
