#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/distributed/launch.h"
#include "process_group_impl.h"

namespace moca::distributed {
namespace {

constexpr auto kBetweenChecks = std::chrono::milliseconds(300);  // between two looks at the note
constexpr auto kGrace = std::chrono::seconds(3);  // to end by itself, where the others are missed
constexpr int kUserMistake = 2;

const char* const kNote = "note/ended";

// A process whose peers are gone, or who leaves them in the middle of a step, does not unwind:
// destructors would wait for them.
[[noreturn]] void leave(std::string why, int code) {
  std::ranges::replace(why, '\n', ' ');
  log::warn(why);
  log::flush();
  report_failure(why);
  std::_Exit(code);
}

// To the store: who waits for the group's own connection keeps it locked.
c10::intrusive_ptr<c10d::Store> own_connection(ProcessGroup::Impl& group) {
  try {
    return group.store->clone();
  } catch (const c10::Error& failure) {
    group.lost(failure.what_without_backtrace());
  }
}

// Which process ended before its work was done: the first to end says so to the others, who look
// for it all the time. One that waits for another's GPU notices nothing else.
class Ending {
 public:
  explicit Ending(ProcessGroup::Impl& group)
      : name_("rank " + std::to_string(group.rank)),
        has_nccl_(group.has_nccl),
        store_(own_connection(group)),
        thread_([this](const std::stop_token& over) { watch(over); }) {}

  const std::string& name() const { return name_; }

  // "rank 1 failed", of another process.
  std::string of_another() {
    const std::lock_guard lock(mutex_);
    return of_another_;
  }

  void announce(const std::string& how) {
    announces_ = true;
    std::packaged_task<void()> note([store = store_, text = name_ + how] {
      store->compareSet(kNote, std::string(), text);  // the first one stays
    });
    const auto noted = note.get_future();
    std::thread(std::move(note)).detach();
    noted.wait_for(kGrace);                           // who keeps the store may hang, or be gone
    std::this_thread::sleep_for(4 * kBetweenChecks);  // the store may end with this process
  }

 private:
  // True when there is nothing to watch any more.
  bool is_over(const std::stop_token& over, std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, over, wait, [&] { return over.stop_requested(); });
  }

  void watch(const std::stop_token& over) {
    try {
      while (!store_->check({kNote})) {
        if (is_over(over, kBetweenChecks)) {
          return;
        }
      }
      const auto text = store_->get_to_str(kNote);
      if (text.starts_with(name_ + " ")) {
        return;
      }
      const std::lock_guard lock(mutex_);
      of_another_ = text;
    } catch (const std::exception&) {
      if (!has_nccl_) {
        return;  // the next operation says so
      }
      const std::lock_guard lock(mutex_);
      of_another_ = "the process that keeps the store ended";
    }
    if (!is_over(over, kGrace) && !announces_) {
      leave(name_ + " ends, because " + of_another_ + ".", EXIT_FAILURE);
    }
  }

  std::string name_;
  bool has_nccl_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::atomic<bool> announces_ = false;  // this process ends by itself and says why
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::string of_another_;
  std::jthread thread_;
};

// Another rank ended first, or is missed.
[[noreturn]] void leave_after_another(Ending& ending, const std::string& missed) {
  const auto other = ending.of_another();
  ending.announce(" lost another rank");
  leave((other.empty() ? missed : ending.name() + " ends, because " + other) +
            ". Continue from the last checkpoint with --resume.",
        EXIT_FAILURE);
}

[[noreturn]] void leave_for(Ending& ending, const std::string& failure, int code) {
  ending.announce(" failed: its message says why");
  // A failure of a step begins with the name of the rank already.
  leave(failure.starts_with(ending.name()) ? failure : ending.name() + ", set-up: " + failure,
        code);
}

}  // namespace

void end_together(ProcessGroup& group, const std::function<void()>& work) {
  if (group.alone()) {
    try {
      return work();
    } catch (const RunFailed& failure) {
      log::warn(failure.what());
      throw;
    }
  }
  Ending ending(*group.impl());
  try {
    work();
    group.sum({0.0}, "end");  // who keeps the store stays until all are done
  } catch (const PeerLost& lost) {
    leave_after_another(ending, lost.what());
  } catch (const Interrupted&) {
    ending.announce(" was interrupted");
    throw;
  } catch (const Error& mistake) {
    leave_for(ending, mistake.what(), kUserMistake);
  } catch (const std::bad_alloc&) {
    leave_for(ending, "out of memory", EXIT_FAILURE);
  } catch (const std::exception& failure) {
    if (const auto other = ending.of_another(); !other.empty()) {
      leave_after_another(ending, other);  // which broke what this one was doing
    }
    leave_for(ending, first_line(failure.what()), EXIT_FAILURE);
  }
}

}  // namespace moca::distributed
