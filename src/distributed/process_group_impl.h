#pragma once

// The only place that includes c10d's process groups.
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include <mutex>
#include <string>

#include "moca/core/text.h"
#include "moca/distributed/process_group.h"

namespace moca::distributed {

struct ProcessGroup::Impl {
  c10::intrusive_ptr<c10d::ProcessGroup> group;
  c10::intrusive_ptr<c10d::Store> store;
  int rank = 0;
  int size = 1;
  bool has_nccl = false;

  // Marks the beginning of an operation.
  void begin(const std::string& operation, const std::string& what);
  // What `action` gives; failures become PeerLost.
  template <class Action>
  auto guarded(const Action& action) const {
    try {
      return action();
    } catch (const std::exception& failure) {
      lost(failure.what());
    }
  }
  [[noreturn]] void lost(const std::string& reason) const;

  mutable std::mutex mutex;
  std::string current;
  int64_t count = 0;
};

}  // namespace moca::distributed
