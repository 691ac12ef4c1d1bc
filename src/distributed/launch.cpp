#include "moca/distributed/launch.h"

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "moca/core/error.h"

namespace moca::distributed {
namespace {

constexpr const char* kOnlyHere = "127.0.0.1";
constexpr int kDefaultPort = 29500;  // as torch.distributed

int number(const std::string& name, const std::string& text) {
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < 0) {
    throw Error("the environment variable ", name, "='", text,
                "' is not a whole number of at least 0. Start moca with torchrun, srun or mpirun, "
                "or unset it.");
  }
  return value;
}

int required(const Variables& variables, const std::string& launcher, const std::string& name) {
  const auto value = variables(name);
  if (!value) {
    throw Error(launcher, " started this process, but the environment variable ", name,
                " is missing. Set it, or start moca through the launcher itself.");
  }
  return number(name, *value);
}

int optional(const Variables& variables, const std::string& name, int otherwise) {
  const auto value = variables(name);
  return value ? number(name, *value) : otherwise;
}

// What a launcher calls the four numbers.
struct PlaceNames {
  std::string rank, world_size, local_rank, local_world_size;
};

// On one machine unless the launcher says otherwise.
Launch place_of(const Variables& variables, const std::string& launcher, const PlaceNames& names) {
  Launch launch;
  launch.launcher = launcher;
  launch.rank = required(variables, launcher, names.rank);
  launch.world_size = required(variables, launcher, names.world_size);
  launch.local_rank = optional(variables, names.local_rank, launch.rank);
  launch.local_world_size = optional(variables, names.local_world_size, launch.world_size);
  return launch;
}

Launch from_torchrun(const Variables& variables) {
  auto launch =
      place_of(variables, "torchrun", {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"});
  launch.store_is_running = variables("TORCHELASTIC_USE_AGENT_STORE") == "True";
  launch.restart_count = optional(variables, "TORCHELASTIC_RESTART_COUNT", 0);
  if (launch.world_size > 1 && !variables("MASTER_ADDR")) {
    throw Error(
        "RANK and WORLD_SIZE are set, but the environment variable MASTER_ADDR is missing: the "
        "processes cannot find each other. Set it to the machine of rank 0.");
  }
  if (launch.world_size > 1) {
    launch.port = required(variables, launch.launcher, "MASTER_PORT");
  }
  return launch;
}

// The first machine of "node[03-05,9],other7": "node03".
std::string first_machine(const std::string& nodes) {
  const auto bracket = nodes.find('[');
  const auto comma = nodes.find(',');
  if (bracket == std::string::npos || comma < bracket) {
    return nodes.substr(0, comma);
  }
  const auto end = nodes.find_first_of(",-]", bracket);
  return nodes.substr(0, bracket) + nodes.substr(bracket + 1, end - bracket - 1);
}

Launch from_slurm(const Variables& variables) {
  Launch launch;
  launch.launcher = "Slurm";
  launch.rank = required(variables, "Slurm", "SLURM_PROCID");
  launch.world_size = required(variables, "Slurm", "SLURM_NTASKS");
  launch.local_rank = optional(variables, "SLURM_LOCALID", 0);
  // "2" or "4(x2),3": this machine has as many as the first says, or fewer.
  const auto tasks = variables("SLURM_STEP_TASKS_PER_NODE").value_or("1");
  launch.local_world_size =
      number("SLURM_STEP_TASKS_PER_NODE", tasks.substr(0, tasks.find_first_of("(,")));
  launch.restart_count = optional(variables, "SLURM_RESTART_COUNT", 0);
  launch.address = first_machine(
      variables("SLURM_STEP_NODELIST").value_or(variables("SLURM_JOB_NODELIST").value_or("")));
  launch.port = 20000 + optional(variables, "SLURM_JOB_ID", 0) % 20000;
  return launch;
}

Launch from_mpi(const Variables& variables, const std::string& launcher, const PlaceNames& names) {
  auto launch = place_of(variables, launcher, names);
  if (launch.local_world_size < launch.world_size && !variables("MASTER_ADDR")) {
    throw Error(launcher,
                " started processes on several machines, but the environment variable MASTER_ADDR "
                "is missing. Give mpirun the machine of rank 0, for example -x MASTER_ADDR=host1.");
  }
  return launch;
}

void check(const Launch& launch) {
  if (launch.world_size < 1 || launch.rank >= launch.world_size) {
    throw Error(launch.launcher, " calls this process rank ", launch.rank, " of ",
                launch.world_size,
                ". Ranks begin at 0 and are less than the number of processes; start moca through "
                "the launcher itself.");
  }
  if (launch.local_world_size < 1 || launch.local_rank >= launch.local_world_size) {
    throw Error(launch.launcher, " calls this process local rank ", launch.local_rank, " of ",
                launch.local_world_size,
                ". Local ranks begin at 0 and are less than the processes of a machine; start moca "
                "through the launcher itself.");
  }
  if (launch.world_size > 1 && (launch.port < 1 || launch.port > 65535)) {
    throw Error("MASTER_PORT=", launch.port, " is no port. Use a free one between 1024 and 65535.");
  }
}

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Launch read_launch(const Variables& variables) {
  Launch launch;
  if (variables("RANK") || variables("WORLD_SIZE")) {
    launch = from_torchrun(variables);
  } else if (variables("SLURM_STEP_ID")) {  // srun; a batch script has the other variables as well
    launch = from_slurm(variables);
  } else if (variables("OMPI_COMM_WORLD_SIZE")) {
    launch = from_mpi(variables, "Open MPI",
                      {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                       "OMPI_COMM_WORLD_LOCAL_SIZE"});
  } else if (variables("PMI_SIZE")) {
    launch = from_mpi(variables, "MPICH",
                      {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"});
  }
  launch.address = variables("MASTER_ADDR").value_or(launch.address);
  launch.port = optional(variables, "MASTER_PORT", launch.port);
  if (launch.address.empty()) {
    launch.address = kOnlyHere;
  }
  if (launch.port == 0) {
    launch.port = kDefaultPort;
  }
  check(launch);
  return launch;
}

void report_failure(const std::string& message) {
  if (const auto file = environment_variable("TORCHELASTIC_ERROR_FILE")) {
    using Json = nlohmann::json;
    std::ofstream stream(*file);
    const Json json = {{"message",
                        {{"message", message},
                         {"extraInfo", {{"timestamp", std::to_string(std::time(nullptr))}}}}}};
    // A folder's name in the message need not be UTF-8.
    stream << json.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
}

}  // namespace moca::distributed
