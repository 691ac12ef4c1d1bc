#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace moca::dit {

// Assets of a batch that have equally many components: their rows in the packed order are
// contiguous.
struct AssetGroup {
  int64_t first_component = 0;  // row of the group's first component among the n present ones
  int64_t first_asset = 0;      // place of the group's first asset in the packed order
  int64_t num_assets = 0;
  int64_t components_per_asset = 0;  // N of the group

  // Rows [n, ...] of this group as [assets, N, ...].
  at::Tensor of_components(const at::Tensor& packed) const;
  // Rows [B, ...] (already in packed order) of this group.
  at::Tensor of_assets(const at::Tensor& per_asset) const;
};

// The components that are present, without padding: the model never computes an absent component,
// so absent ones cannot change a bit of the others. Assets are ordered by their number of
// components.
struct ComponentLayout {
  int64_t num_assets = 0;      // B
  int64_t max_components = 0;  // N, padded
  at::Tensor component_rows;  // [n] rows of the flattened [B * N] that are present, in packed order
  at::Tensor asset_order;     // [B'] assets that have components, in packed order
  std::vector<AssetGroup> groups;

  // component_mask: [B, N] bool; read by the host, so that one on a GPU makes the host wait. The
  // rows lie on `device`.
  explicit ComponentLayout(const at::Tensor& component_mask, c10::Device device = c10::kCPU);

  // What `of` gives for each group, [assets, N, ...], in packed order: [n, ...].
  at::Tensor of_groups(const std::function<at::Tensor(const AssetGroup&)>& of) const;
  // Of heads, [assets, N, H, S, K], as attention lays them out, tokens first: [n, H, S, K].
  at::Tensor heads_of_groups(const std::function<at::Tensor(const AssetGroup&)>& of) const;
  at::Tensor of_components(const at::Tensor& per_asset) const;  // [B, D] -> [n, D], its asset's row
  at::Tensor pack(const at::Tensor& padded) const;              // [B, N, ...] -> [n, ...]
  at::Tensor unpack(const at::Tensor& packed) const;  // [n, ...] -> [B, N, ...], zero where absent
};

}  // namespace moca::dit
