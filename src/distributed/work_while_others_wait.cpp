#include <chrono>
#include <thread>

#include "moca/core/interrupt.h"
#include "moca/distributed/process_group.h"

namespace moca::distributed {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(50);  // between two looks at a note

// Until it is stopped, passes on to this process the signal that another one got.
void listen(ProcessGroup& group, const std::string& name, const std::stop_token& over) {
  try {
    while (!over.stop_requested()) {
      if (const auto signal = group.note(name + ", signal")) {
        return interrupt(std::stoi(*signal));
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
  } catch (const PeerLost&) {
    // The work's own next step with the others says so.
  }
}

void wait(ProcessGroup& group, const std::string& name) {
  bool told = false;
  while (!group.note(name + ", done")) {
    if (interrupted() && !told) {
      group.leave_note(name + ", signal", std::to_string(interrupting_signal()));
      told = true;
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace

void work_while_others_wait(ProcessGroup& group, const std::string& name,
                            const std::function<void()>& work) {
  if (group.alone()) {
    return work();
  }
  if (group.is_first()) {
    const std::jthread listener([&](const std::stop_token& over) { listen(group, name, over); });
    work();
    group.leave_note(name + ", done", "");
  } else {
    wait(group, name);
  }
  group.sum({0.0}, name);  // nobody leaves before all have read the note
}

}  // namespace moca::distributed
