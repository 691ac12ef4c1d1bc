#pragma once

#include <ATen/Parallel.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "moca/core/file_io.h"
#include "moca/distributed/process_group.h"
#include "tests/support/temporary_folder.h"

namespace moca::testing {

// A port of this machine that nobody listens on.
inline int free_port() {
  const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
  close(socket_);
  return ntohs(address.sin_port);
}

inline distributed::Launch launch_of(int rank, int world_size, int port) {
  distributed::Launch launch;
  launch.launcher = "test";
  launch.rank = launch.local_rank = rank;
  launch.world_size = launch.local_world_size = world_size;
  launch.address = "127.0.0.1";
  launch.port = port;
  return launch;
}

// What a rank's work returned, or the message of what it threw, or what a process said that ended
// otherwise; and how it ended.
struct RankResult {
  std::string text;
  std::string said;  // on standard error
  bool threw = false;
  int code = 0;  // exit status, or minus the signal
};

// Runs `work` in processes of their own, one for each launch, with one thread each.
inline std::vector<RankResult> run_processes(
    const std::vector<distributed::Launch>& launches,
    const std::function<std::string(const distributed::Launch&)>& work) {
  const TemporaryFolder folder;
  std::vector<pid_t> children;
  for (size_t i = 0; i < launches.size(); ++i) {
    const pid_t child = fork();
    if (child == 0) {
      at::set_num_threads(1);
      if (std::freopen((folder / ("said_" + std::to_string(i))).c_str(), "w", stderr) == nullptr) {
        std::_Exit(1);
      }
      std::string text;
      try {
        text = "r" + work(launches[i]);
      } catch (const std::exception& failure) {
        text = std::string("t") + failure.what();
      }
      write_file(folder / std::to_string(i), text);
      std::fflush(stderr);
      std::_Exit(0);
    }
    children.push_back(child);
  }
  std::vector<RankResult> results;
  for (size_t i = 0; i < children.size(); ++i) {
    int status = 0;
    waitpid(children[i], &status, 0);
    RankResult result;
    result.said = result.text = read_file(folder / ("said_" + std::to_string(i)));
    result.code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    if (std::filesystem::exists(folder / std::to_string(i))) {
      const auto text = read_file(folder / std::to_string(i));
      result.threw = text[0] == 't';
      result.text = text.substr(1);
    }
    results.push_back(result);
  }
  return results;
}

// Runs `work` on the ranks of one group.
inline std::vector<RankResult> run_ranks(
    int world_size, const std::function<std::string(distributed::ProcessGroup&)>& work,
    std::chrono::seconds time_limit = std::chrono::seconds(60)) {
  const int port = free_port();
  std::vector<distributed::Launch> launches;
  for (int rank = 0; rank < world_size; ++rank) {
    launches.push_back(launch_of(rank, world_size, port));
  }
  return run_processes(launches, [&](const distributed::Launch& launch) {
    distributed::ProcessGroup group(launch, c10::kCPU, time_limit);
    return work(group);
  });
}

}  // namespace moca::testing
