#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "moca/distributed/process_group.h"
#include "moca/training/parameter_groups.h"

namespace moca::training {

// Divides the parameters so that every process keeps about as many numbers: the largest first, each
// to the process that has the fewest. Not `sharded`, every process keeps the state of all.
ParameterShards shards_of(const std::vector<at::Tensor>& parameters, int rank, int world_size,
                          bool sharded);

// Gives every process what the owner of a parameter made of it.
void share_updates(distributed::ProcessGroup& group, const std::vector<at::Tensor>& parameters,
                   const ParameterShards& shards);

}  // namespace moca::training
