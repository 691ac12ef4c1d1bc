// Real processes that meet over the loopback interface.
#include "moca/distributed/process_group.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "tests/support/ranks.h"

namespace moca::distributed {
namespace {

using ::testing::AllOf;
using testing::free_port;
using ::testing::HasSubstr;
using testing::launch_of;
using testing::run_processes;
using testing::run_ranks;

constexpr std::chrono::seconds kShort(3);

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(ProcessGroup, AloneIsFirstAndKeepsItsValues) {
  ProcessGroup group;
  EXPECT_TRUE(group.alone() && group.is_first());
  const auto tensor = at::arange(3);
  group.sum(tensor, "test");
  group.broadcast({tensor}, "test");
  EXPECT_TRUE(at::equal(tensor, at::arange(3)));
  EXPECT_EQ(group.sum({1.5}, "test"), std::vector<double>{1.5});
  EXPECT_EQ(group.gather("text", "test"), std::vector<std::string>{"text"});
}

TEST(ProcessGroup, AddsBroadcastsAndGathersOverAllRanks) {
  for (const int world_size : {2, 3}) {
    const auto results = run_ranks(world_size, [&](ProcessGroup& group) -> std::string {
      const auto tensor = at::full({5}, group.rank() + 1.0);
      group.sum(tensor, "a tensor");
      const auto numbers = group.sum({1.0, 0.5 * group.rank()}, "numbers");
      const auto big = at::full({3, 2}, static_cast<double>(group.rank()));
      const auto small = at::full({}, static_cast<double>(group.rank()));
      group.broadcast({big, small}, "tensors", world_size - 1);
      const auto texts = group.gather(std::string(static_cast<size_t>(group.rank()), 'x'), "texts");
      EXPECT_EQ(group.size(), world_size);
      return std::to_string(tensor.sum().item<double>()) + " " + std::to_string(numbers[0]) + " " +
             std::to_string(numbers[1]) + " " + std::to_string(big.sum().item<double>()) + " " +
             std::to_string(small.item<double>()) + " " + texts[0] + "," + texts[1];
    });
    const std::string expected = world_size == 2
                                     ? "15.000000 2.000000 0.500000 6.000000 1.000000 ,x"
                                     : "30.000000 3.000000 1.500000 12.000000 2.000000 ,x";
    for (const auto& result : results) {
      EXPECT_EQ(result.text, expected);
    }
  }
}

TEST(ProcessGroup, WhatTheFirstRankRefusesAllRefuse) {
  const auto results = run_ranks(2, [](ProcessGroup& group) -> std::string {
    on_first_rank(group, [] {});
    on_first_rank(group, [] { throw Error("the folder exists"); });
    return "went on";
  });
  EXPECT_EQ(results[0].text, "the folder exists");
  EXPECT_TRUE(results[1].threw);
  EXPECT_THAT(results[1].text, HasSubstr("rank 0"));
}

TEST(ProcessGroup, ASignalToAWaitingRankStopsTheFirstOnesWork) {
  const auto results = run_ranks(2, [](ProcessGroup& group) -> std::string {
    catch_interrupts();
    if (group.rank() == 1) {
      std::raise(SIGUSR1);
    }
    bool stopped = false;
    work_while_others_wait(group, "long work", [&] {
      for (int i = 0; i < 1000 && !stopped; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        stopped = interrupted();
      }
    });
    return group.is_first() ? std::to_string(interrupting_signal()) : "waited";
  });
  EXPECT_EQ(results[0].text, std::to_string(SIGUSR1));
  EXPECT_EQ(results[1].text, "waited");
}

TEST(ProcessGroup, OthersWaitUntilTheFirstOnesWorkIsDone) {
  const auto results = run_ranks(3, [](ProcessGroup& group) -> std::string {
    const double taken = seconds_of([&] {
      work_while_others_wait(group, "work",
                             [] { std::this_thread::sleep_for(std::chrono::milliseconds(500)); });
    });
    return taken > 0.4 && !interrupted() ? "waited" : "went on";
  });
  for (const auto& result : results) {
    EXPECT_EQ(result.text, "waited");
  }
}

TEST(ProcessGroup, NamesTheOperationThatAPeerLeft) {
  const auto results = run_ranks(2, [](ProcessGroup& group) -> std::string {
    group.sum({1.0}, "first");
    if (group.rank() == 1) {
      std::raise(SIGKILL);
    }
    group.sum({1.0}, "loss");
    return "went on";
  });
  EXPECT_EQ(results[1].code, -SIGKILL);
  EXPECT_TRUE(results[0].threw);
  EXPECT_THAT(results[0].text, AllOf(HasSubstr("rank 0 of 2"), HasSubstr("all_reduce 'loss'")));
}

TEST(ProcessGroup, WritingToAPeerThatIsGoneDoesNotEndTheProcess) {
  for (const auto& result : run_ranks(2, [](ProcessGroup&) -> std::string {
         std::array<int, 2> ends{};
         EXPECT_EQ(pipe(ends.data()), 0);
         close(ends[0]);
         return write(ends[1], "x", 1) == -1 && errno == EPIPE ? "told so" : "written";
       })) {
    EXPECT_EQ(result.code, 0) << "SIGPIPE is " << SIGPIPE;
    EXPECT_EQ(result.text, "told so");
  }
}

TEST(ProcessGroup, WaitsForAHangingPeerNoLongerThanItsTimeLimit) {
  const double taken = seconds_of([] {
    const auto results = run_ranks(
        2,
        [](ProcessGroup& group) -> std::string {
          if (group.rank() == 1) {
            std::this_thread::sleep_for(std::chrono::seconds(6));
            return "slept";
          }
          group.sum({1.0}, "loss");
          return "went on";
        },
        kShort);
    EXPECT_TRUE(results[0].threw);
    EXPECT_THAT(results[0].text, HasSubstr("all_reduce 'loss'"));
  });
  EXPECT_LT(taken, 9.0);
}

TEST(ProcessGroup, RecordsWhatItDidForHangReports) {
  const auto results = run_ranks(2, [](ProcessGroup& group) -> std::string {
    group.sum({1.0}, "loss");
    const auto record = nlohmann::json::parse(ProcessGroup::flight_record());
    return group.operation() + " " + std::to_string(record.at("entries").size() > 0) +
           (record.contains("nccl") ? " and NCCL" : "");
  });
  EXPECT_THAT(results[0].text,
              AllOf(HasSubstr("all_reduce 'loss' (number"), ::testing::EndsWith(" 1")));
}

// The message of every process that was launched thus, within the time limit and a little.
std::vector<testing::RankResult> meet(const std::vector<Launch>& launches) {
  std::vector<testing::RankResult> results;
  const double taken = seconds_of([&] {
    results = run_processes(launches, [](const Launch& launch) -> std::string {
      const ProcessGroup group(launch, c10::kCPU, kShort);
      return "met";
    });
  });
  EXPECT_LT(taken, 9.0);
  return results;
}

TEST(ProcessGroup, SaysWhichRankDidNotCome) {
  const int port = free_port();
  const auto results = meet({launch_of(0, 3, port), launch_of(2, 3, port)});
  for (const auto& result : results) {
    EXPECT_TRUE(result.threw);
    EXPECT_THAT(result.text, AllOf(HasSubstr("2 of 3 processes"), HasSubstr("missing is rank 1")));
  }
}

TEST(ProcessGroup, SaysThatTheFirstRankIsNotThere) {
  const auto results = meet({launch_of(1, 2, free_port())});
  EXPECT_TRUE(results[0].threw);
  EXPECT_THAT(results[0].text,
              AllOf(HasSubstr("nothing answered at 127.0.0.1"), HasSubstr("Is rank 0 running")));
}

TEST(ProcessGroup, RefusesAPortInUse) {
  const int port = free_port();
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  address.sin_port = htons(static_cast<uint16_t>(port));
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  const auto results = meet({launch_of(0, 2, port)});
  close(listener);
  EXPECT_TRUE(results[0].threw);
  EXPECT_THAT(results[0].text, AllOf(HasSubstr("cannot listen on"), HasSubstr("MASTER_PORT")));
}

TEST(ProcessGroup, RefusesAnotherWorldSize) {
  const int port = free_port();
  const auto results = meet({launch_of(0, 2, port), launch_of(1, 3, port)});
  EXPECT_THAT(results[1].text, HasSubstr("started as one of 3, rank 0 as one of 2"));
}

TEST(ProcessGroup, RefusesARankThatIsThereTwice) {
  const int port = free_port();
  const auto results = meet({launch_of(0, 3, port), launch_of(1, 3, port), launch_of(1, 3, port)});
  EXPECT_THAT(results[1].text + results[2].text, HasSubstr("two processes call themselves rank 1"));
}

TEST(ProcessGroup, RefusesAProcessLeftOverFromBeforeARestart) {
  const int port = free_port();
  auto first = launch_of(0, 2, port), second = launch_of(1, 2, port);
  first.restart_count = 1;
  const auto results = meet({first, second});
  EXPECT_THAT(results[1].text, HasSubstr("left over from before a restart"));
}

}  // namespace
}  // namespace moca::distributed
