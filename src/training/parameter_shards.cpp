#include "parameter_shards.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace moca::training {

ParameterShards shards_of(const std::vector<at::Tensor>& parameters, int rank, int world_size,
                          bool sharded) {
  ParameterShards shards{rank, {}};
  if (!sharded) {
    return shards;
  }
  shards.owners.resize(parameters.size());
  std::vector<size_t> largest_first(parameters.size());
  std::iota(largest_first.begin(), largest_first.end(), 0);
  std::ranges::stable_sort(largest_first, [&](size_t a, size_t b) {
    return parameters[a].numel() > parameters[b].numel();
  });
  std::vector<int64_t> held(static_cast<size_t>(world_size), 0);
  for (const size_t i : largest_first) {
    const auto least = std::ranges::min_element(held);
    shards.owners[i] = static_cast<int>(least - held.begin());
    *least += parameters[i].numel();
  }
  return shards;
}

void share_updates(distributed::ProcessGroup& group, const std::vector<at::Tensor>& parameters,
                   const ParameterShards& shards) {
  for (int rank = 0; !shards.owners.empty() && rank < group.size(); ++rank) {
    std::vector<at::Tensor> updated;
    for (size_t i = 0; i < shards.owners.size(); ++i) {
      if (shards.owners[i] == rank) {
        updated.push_back(parameters[i].detach());
      }
    }
    group.broadcast(updated, "updated weights", rank);
  }
}

}  // namespace moca::training
