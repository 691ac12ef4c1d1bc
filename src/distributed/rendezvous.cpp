#include "rendezvous.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <string>
#include <thread>
#include <vector>

#include "moca/core/error.h"
#include "process_group_impl.h"

namespace moca::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using Store = c10::intrusive_ptr<c10d::Store>;

constexpr auto kPause = std::chrono::milliseconds(50);

std::string place_of(const Launch& launch) {
  return launch.address + ":" + std::to_string(launch.port);
}

Store connect(const Launch& launch, std::chrono::seconds time_limit) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(launch.port);
  options.isServer = launch.rank == 0 && !launch.store_is_running;
  options.waitWorkers = false;
  options.timeout = std::chrono::milliseconds(time_limit) / 2;  // it tries twice
  try {
    auto store = c10::make_intrusive<c10d::TCPStore>(launch.address, options);
    store->setTimeout(time_limit);
    return store;
  } catch (const std::exception& failure) {
    if (options.isServer) {
      throw Error("cannot listen on ", place_of(launch), ": ", first_line(failure.what()),
                  ". Set MASTER_PORT to a free port, on all ranks the same.");
    }
    throw PeerLost("rank " + std::to_string(launch.rank) + ": nothing answered at " +
                   place_of(launch) + " within " + std::to_string(time_limit.count()) +
                   " s. Is rank 0 running, and are MASTER_ADDR and MASTER_PORT those of rank 0?");
  }
}

// The start that the store belongs to: how often the job was restarted, how many processes it has.
struct Job {
  int restart_count = -1;
  int world_size = 0;
};

Job read_job(c10d::Store& store) {
  Job job;
  if (store.check({"job"})) {
    std::sscanf(store.get_to_str("job").c_str(), "%d %d", &job.restart_count, &job.world_size);
  }
  return job;
}

// Waits until rank 0 has opened this start of the job. torchrun's store outlives a start, so that
// what it says may be of the one before.
void check_in(c10d::Store& store, const Launch& launch, Clock::time_point deadline) {
  if (launch.rank == 0) {
    store.set("job", c10::str(launch.restart_count, " ", launch.world_size));
    return;
  }
  Job job;
  while (job = read_job(store), job.restart_count < launch.restart_count) {
    if (Clock::now() > deadline) {
      throw PeerLost(c10::str("rank ", launch.rank, ": rank 0 did not come to ", place_of(launch),
                              " in time for restart ", launch.restart_count, " of the job."));
    }
    std::this_thread::sleep_for(kPause);
  }
  if (job.restart_count > launch.restart_count) {
    throw Error("this process belongs to start ", launch.restart_count,
                " of the job, but rank 0 to start ", job.restart_count,
                ": it is left over from before a restart.");
  }
  if (job.world_size != launch.world_size) {
    throw Error("this process was started as one of ", launch.world_size, ", rank 0 as one of ",
                job.world_size,
                ". Start all with the same world size, and one job per MASTER_PORT.");
  }
}

std::string name_of(int rank) { return "rank " + std::to_string(rank); }

void await_all(c10d::Store& store, const Launch& launch, Clock::time_point deadline) {
  if (store.add(name_of(launch.rank), 1) > 1) {
    throw Error("two processes call themselves ", name_of(launch.rank), " at ", place_of(launch),
                ". Give every process its own RANK, and every job its own MASTER_PORT.");
  }
  std::vector<int> missing;
  do {
    missing.clear();
    for (int rank = 0; rank < launch.world_size; ++rank) {
      if (!store.check({name_of(rank)})) {
        missing.push_back(rank);
      }
    }
    if (missing.empty()) {
      return;
    }
    std::this_thread::sleep_for(kPause);
  } while (Clock::now() < deadline);
  throw PeerLost(c10::str(name_of(launch.rank), ": ", launch.world_size - missing.size(), " of ",
                          launch.world_size, " processes came to ", place_of(launch),
                          " in time; the first that is missing is ", name_of(missing.front()),
                          "."));
}

}  // namespace

Store meet(const Launch& launch, std::chrono::seconds time_limit) {
  const auto deadline = Clock::now() + time_limit;
  const auto store = connect(launch, time_limit);
  try {
    check_in(*store, launch, deadline);
    auto of_this_start = c10::make_intrusive<c10d::PrefixStore>(
        "start" + std::to_string(launch.restart_count), store);
    await_all(*of_this_start, launch, deadline);
    return of_this_start;
  } catch (const c10::Error& failure) {
    throw PeerLost(name_of(launch.rank) + ": the store at " + place_of(launch) +
                   " went away: " + first_line(failure.what_without_backtrace()));
  }
}

}  // namespace moca::distributed
