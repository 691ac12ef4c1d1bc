#pragma once

#include <functional>
#include <optional>
#include <string>

namespace moca::distributed {

// Which of how many processes this one is, and where they meet.
struct Launch {
  std::string launcher = "none";  // whose variables said so: torchrun, Slurm, Open MPI, MPICH
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;        // among the processes of this machine: the GPU it takes
  int local_world_size = 1;  // processes of this machine
  std::string address;       // of the store where the processes meet
  int port = 0;
  bool store_is_running = false;  // torchrun's agent keeps it; otherwise rank 0 starts it
  int restart_count = 0;          // times the launcher has started the job before
};

// The value of an environment variable, or nothing.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;

std::optional<std::string> environment_variable(const std::string& name);

// Reads what torchrun, Slurm's srun or MPI's mpirun say about this process; without any of them it
// is the only one. Refuses half a set of variables and numbers that contradict one another.
Launch read_launch(const Variables& variables = environment_variable);

// Tells the launcher, where it listens (torchrun's error file), why this process fails.
void report_failure(const std::string& message);

}  // namespace moca::distributed
