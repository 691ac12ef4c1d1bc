#pragma once

#include <deque>
#include <functional>
#include <future>
#include <optional>
#include <utility>

#include "moca/training/batches.h"

namespace moca::training {

// Loads the micro-batches that follow on threads, while the one before is computed. What is loaded
// does not depend on the number of threads.
template <class Batch>
class Prefetcher {
 public:
  using Load = std::function<Batch()>;

  // `prepare` is called on the caller's thread and returns what a thread then does.
  Prefetcher(std::function<Load(MicroBatch)> prepare, MicroBatchShare share, int64_t num_threads)
      : prepare_(std::move(prepare)), share_(share), num_threads_(num_threads) {}

  // Waits for the micro-batch, unless it is the one that was got last.
  const Batch& get(MicroBatch wanted) {
    if (!current_ || current_->first != wanted) {
      current_.reset();
      current_.emplace(wanted, load(wanted));
    }
    return current_->second;
  }

 private:
  struct Pending {
    MicroBatch micro_batch;
    std::future<Batch> loaded;
  };

  Batch load(MicroBatch wanted) {
    if (num_threads_ == 0) {
      return prepare_(wanted)();
    }
    while (!ahead_.empty() && ahead_.front().micro_batch != wanted) {
      ahead_.pop_front();  // waits for its thread
    }
    if (ahead_.empty()) {
      next_ = wanted;
    }
    while (std::ssize(ahead_) <= num_threads_) {
      ahead_.push_back({next_, std::async(std::launch::async, prepare_(next_))});
      next_ = share_.after(next_);
    }
    auto loaded = ahead_.front().loaded.get();
    ahead_.pop_front();
    return loaded;
  }

  std::function<Load(MicroBatch)> prepare_;
  MicroBatchShare share_;
  int64_t num_threads_;
  MicroBatch next_;
  std::optional<std::pair<MicroBatch, Batch>> current_;
  std::deque<Pending> ahead_;
};

}  // namespace moca::training
