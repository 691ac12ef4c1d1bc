#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>

#include "moca/distributed/launch.h"

namespace moca::distributed {

// The store through which the processes of one start of the job find each other. Returns when all
// of them are there; throws Error or PeerLost, naming who is missing, after the time limit.
c10::intrusive_ptr<c10d::Store> meet(const Launch& launch, std::chrono::seconds time_limit);

}  // namespace moca::distributed
