#include "moca/dit/component_layout.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "moca/core/mapped.h"
#include "moca/core/shapes.h"
#include "moca/core/transfer.h"

namespace moca::dit {

namespace {

// Rows [first, first + count). All of them are the tensor itself: the backward pass of a narrow
// writes zeros around its gradient first.
at::Tensor rows_of(const at::Tensor& tensor, int64_t first, int64_t count) {
  return count == tensor.size(0) ? tensor : tensor.narrow(0, first, count);
}

}  // namespace

at::Tensor AssetGroup::of_components(const at::Tensor& packed) const {
  return rows_of(packed, first_component, num_assets * components_per_asset)
      .unflatten(0, {num_assets, components_per_asset});
}

at::Tensor AssetGroup::of_assets(const at::Tensor& per_asset) const {
  return rows_of(per_asset, first_asset, num_assets);
}

ComponentLayout::ComponentLayout(const at::Tensor& component_mask, c10::Device device) {
  const auto [B, N] = shape<2>(component_mask, "component_mask [B, N]");
  num_assets = B;
  max_components = N;
  const auto mask = component_mask.to(at::kBool).cpu().contiguous();
  const bool* present = mask.const_data_ptr<bool>();
  std::vector<std::vector<int64_t>> rows(B);
  for (int64_t row = 0; row < B * N; ++row) {
    if (present[row]) {
      rows[row / N].push_back(row);
    }
  }
  std::vector<int64_t> order(B);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](int64_t asset) { return rows[asset].size(); });
  std::vector<int64_t> packed_rows, assets;
  for (const int64_t asset : order) {
    const auto count = static_cast<int64_t>(rows[asset].size());
    if (count == 0) {
      continue;
    }
    if (groups.empty() || groups.back().components_per_asset != count) {
      groups.push_back({static_cast<int64_t>(packed_rows.size()),
                        static_cast<int64_t>(assets.size()), 0, count});
    }
    ++groups.back().num_assets;
    assets.push_back(asset);
    packed_rows.insert(packed_rows.end(), rows[asset].begin(), rows[asset].end());
  }
  TORCH_CHECK(!packed_rows.empty(), "component_mask [B, N] = ", component_mask.sizes(),
              " marks no component as present");
  const auto to_device = [&](const std::vector<int64_t>& values) {
    return moca::to_device(at::tensor(values, at::kLong), device);
  };
  component_rows = to_device(packed_rows);
  asset_order = to_device(assets);
}

at::Tensor ComponentLayout::of_groups(
    const std::function<at::Tensor(const AssetGroup&)>& of) const {
  if (groups.size() == 1) {
    return of(groups.front()).flatten(0, 1);
  }
  return at::cat(mapped(groups, [&](const AssetGroup& group) { return of(group).flatten(0, 1); }));
}

at::Tensor ComponentLayout::heads_of_groups(
    const std::function<at::Tensor(const AssetGroup&)>& of) const {
  return of_groups([&](const AssetGroup& group) { return of(group).transpose(2, 3); })
      .transpose(1, 2);
}

// Not one index_select with repeated rows: on a GPU its backward pass adds them in any order.
at::Tensor ComponentLayout::of_components(const at::Tensor& per_asset) const {
  const auto ordered = per_asset.index_select(0, asset_order);
  return of_groups([&](const AssetGroup& group) {
    return group.of_assets(ordered).unsqueeze(1).expand({-1, group.components_per_asset, -1});
  });
}

at::Tensor ComponentLayout::pack(const at::Tensor& padded) const {
  return padded.flatten(0, 1).index_select(0, component_rows);
}

at::Tensor ComponentLayout::unpack(const at::Tensor& packed) const {
  auto sizes = packed.sizes().vec();
  sizes[0] = num_assets * max_components;
  return at::zeros(sizes, packed.options())
      .index_copy(0, component_rows, packed)
      .unflatten(0, {num_assets, max_components});
}

}  // namespace moca::dit
