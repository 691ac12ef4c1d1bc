#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moca/core/error.h"
#include "moca/distributed/launch.h"

namespace moca::distributed {

// Another process went away or did not come in time. What was begun together cannot go on.
class PeerLost : public RunFailed {
 public:
  using RunFailed::RunFailed;
};

// The processes that train one model, and what they do together; every one must call the same
// functions in the same order. One process alone needs and starts nothing.
//
// `what` names an operation in error messages and hang reports. A process that fails or stays away
// longer than the time limit makes the others throw PeerLost.
class ProcessGroup {
 public:
  ProcessGroup();  // alone
  // Meets the other processes: Gloo for tensors on the CPU, NCCL for those on `device`, if a GPU.
  // Refuses a port in use and processes that were started with another world size.
  ProcessGroup(const Launch& launch, c10::Device device, std::chrono::seconds time_limit);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const;
  int size() const;
  bool alone() const { return size() == 1; }
  bool is_first() const { return rank() == 0; }

  // In place; the same bits on every rank.
  void sum(const at::Tensor& tensor, const std::string& what);
  // A few numbers of this rank, added to the others'.
  std::vector<double> sum(const std::vector<double>& values, const std::string& what);
  // Rank `from`'s values into everyone's tensors (dense, any shapes, all of one device).
  void broadcast(const std::vector<at::Tensor>& tensors, const std::string& what, int from = 0);
  // Every rank's text, in the order of ranks.
  std::vector<std::string> gather(const std::string& text, const std::string& what);

  // Notes that one process leaves for the others, outside of what they do together. A note can be
  // read at any time and by any thread; nothing where it was not left yet.
  void leave_note(const std::string& name, const std::string& text);
  std::optional<std::string> note(const std::string& name);

  // What the group does or did last, for hang reports: "all_reduce 'gradients' (number 12)".
  std::string operation() const;
  // The flight recorder's account of recent operations, as JSON; NCCL's own under "nccl", where it
  // is used.
  static std::string flight_record();

  struct Impl;
  Impl* impl() const { return impl_.get(); }  // null when alone; for src/distributed

 private:
  std::unique_ptr<Impl> impl_;
};

// The first rank works, alone and for long; the others wait. A signal to one of them stops the work
// as one to the first rank would (core/interrupt.h). `name` is another one every time.
void work_while_others_wait(ProcessGroup& group, const std::string& name,
                            const std::function<void()>& work);

// Runs what this process and the others do together. What ends it on one of them ends all within
// seconds: the log says why and which rank it was, and the process leaves with code 2 for an Error
// and 1 for anything else, without unwinding. Interrupted is thrown on. What `work` uses should
// live longer than this call. One process alone runs it and logs what makes the run fail.
void end_together(ProcessGroup& group, const std::function<void()>& work);

// Runs `action` on the first rank. Where it throws an Error, all ranks throw one.
void on_first_rank(ProcessGroup& group, const std::function<void()>& action);

}  // namespace moca::distributed
