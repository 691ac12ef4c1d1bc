#pragma once

#include <string>
#include <vector>

#include "moca/data/asset_source.h"
#include "moca/data/prepared_dataset.h"

namespace moca::data {

// The cameras of an asset's views, each as far away as it takes to show the whole asset. Of the
// user's own images nothing but the angles is known.
std::vector<mesh::Camera> cameras_of(const ViewConfig& config, const mesh::Scene& scene);

// Fills images and component_ids: rendered, or read from the folder `id` in config.images. Where
// that has no component map of a view, its ids are 0 everywhere.
void add_views(const std::string& id, const SourceAsset& asset, const ViewConfig& config,
               AssetTensors& tensors);

}  // namespace moca::data
