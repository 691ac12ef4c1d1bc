#include "moca/distributed/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "moca/core/file_io.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca::distributed {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::refusal;

using Values = std::map<std::string, std::string>;

Launch launch_with(const Values& values) {
  return read_launch([&](const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  });
}

Values with(Values values, const Values& more) {
  for (const auto& [name, value] : more) {
    values[name] = value;
  }
  return values;
}

Values without(Values values, const std::string& name) {
  values.erase(name);
  return values;
}

const Values kTorchrun = {{"RANK", "5"},
                          {"WORLD_SIZE", "8"},
                          {"LOCAL_RANK", "1"},
                          {"LOCAL_WORLD_SIZE", "4"},
                          {"MASTER_ADDR", "node7"},
                          {"MASTER_PORT", "29511"},
                          {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                          {"TORCHELASTIC_RESTART_COUNT", "2"}};

const Values kSlurm = {{"SLURM_STEP_ID", "0"},
                       {"SLURM_PROCID", "6"},
                       {"SLURM_NTASKS", "16"},
                       {"SLURM_LOCALID", "2"},
                       {"SLURM_JOB_ID", "41234"},
                       {"SLURM_STEP_TASKS_PER_NODE", "4(x4)"},
                       {"SLURM_STEP_NODELIST", "gpu[07-09,12]"}};

const Values kOpenMpi = {{"OMPI_COMM_WORLD_RANK", "1"},
                         {"OMPI_COMM_WORLD_SIZE", "2"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};

TEST(Launch, WithoutALauncherTheProcessIsTheOnlyOne) {
  const auto launch = launch_with({});
  EXPECT_EQ(launch.rank, 0);
  EXPECT_EQ(launch.world_size, 1);
  EXPECT_EQ(launch.restart_count, 0);
}

TEST(Launch, ReadsTorchrunsVariables) {
  const auto launch = launch_with(kTorchrun);
  EXPECT_EQ(launch.launcher, "torchrun");
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.world_size, 8);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.local_world_size, 4);
  EXPECT_EQ(launch.address, "node7");
  EXPECT_EQ(launch.port, 29511);
  EXPECT_TRUE(launch.store_is_running);
  EXPECT_EQ(launch.restart_count, 2);
}

TEST(Launch, ReadsSlurmsVariables) {
  const auto launch = launch_with(with(kSlurm, {{"SLURM_RESTART_COUNT", "1"}}));
  EXPECT_EQ(launch.rank, 6);
  EXPECT_EQ(launch.world_size, 16);
  EXPECT_EQ(launch.local_rank, 2);
  EXPECT_EQ(launch.local_world_size, 4);
  EXPECT_EQ(launch.address, "gpu07");
  EXPECT_EQ(launch.port, 21234);
  EXPECT_EQ(launch.restart_count, 1);
  EXPECT_FALSE(launch.store_is_running);
}

TEST(Launch, FindsSlurmsFirstMachineInEveryWayOfWritingAList) {
  for (const auto& [list, first] : Values{{"alone", "alone"},
                                          {"a1,b2", "a1"},
                                          {"n[3,5]", "n3"},
                                          {"n[3-5],m1", "n3"},
                                          {"m1,n[3-5]", "m1"},
                                          {"rack2-n[010-012]", "rack2-n010"}}) {
    EXPECT_EQ(launch_with(with(kSlurm, {{"SLURM_STEP_NODELIST", list}})).address, first) << list;
  }
}

TEST(Launch, ABatchScriptIsNoProcessOfItsStep) {
  EXPECT_EQ(launch_with(without(kSlurm, "SLURM_STEP_ID")).world_size, 1);
}

TEST(Launch, ReadsMpisVariables) {
  const auto launch = launch_with(kOpenMpi);
  EXPECT_EQ(launch.rank, 1);
  EXPECT_EQ(launch.world_size, 2);
  EXPECT_EQ(launch.address, "127.0.0.1");
  const auto mpich = launch_with({{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}, {"MPI_LOCALRANKID", "0"}});
  EXPECT_EQ(mpich.launcher, "MPICH");
  EXPECT_EQ(mpich.world_size, 3);
}

TEST(Launch, NamesAMissingVariable) {
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
    EXPECT_THAT(
        refusal([&] { launch_with(without(kTorchrun, name)); }),
        AllOf(HasSubstr(std::string("variable ") + name + " is missing"), HasSubstr("Set it")));
  }
  EXPECT_THAT(refusal([&] { launch_with(without(kSlurm, "SLURM_NTASKS")); }),
              HasSubstr("SLURM_NTASKS is missing"));
  EXPECT_THAT(refusal([&] {
                launch_with(with(kOpenMpi, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "1"},
                                            {"OMPI_COMM_WORLD_LOCAL_RANK", "0"}}));
              }),
              HasSubstr("-x MASTER_ADDR="));
}

TEST(Launch, RefusesNumbersThatCannotBe) {
  for (const auto& [name, value] : Values{{"RANK", "8"},
                                          {"RANK", "one"},
                                          {"WORLD_SIZE", "-2"},
                                          {"WORLD_SIZE", "0"},
                                          {"LOCAL_RANK", "4"},
                                          {"MASTER_PORT", "70000"},
                                          {"MASTER_PORT", ""}}) {
    EXPECT_NE(refusal([&] {
                launch_with(with(kTorchrun, {{name, value}}));
              }),
              "accepted")
        << name << "='" << value << "'";
  }
}

TEST(Launch, TellsTorchrunWhyAProcessFails) {
  const testing::TemporaryFolder folder;
  const auto file = folder / "error.json";
  report_failure("nobody listens");  // without a launcher: nothing happens
  setenv("TORCHELASTIC_ERROR_FILE", file.c_str(), 1);
  report_failure("the \"disk\" is full");
  unsetenv("TORCHELASTIC_ERROR_FILE");
  EXPECT_EQ(nlohmann::json::parse(read_file(file)).at("message").at("message"),
            "the \"disk\" is full");
  setenv("TORCHELASTIC_ERROR_FILE", file.c_str(), 1);
  report_failure("no folder caf\xE9");  // Latin-1: JSON holds UTF-8 alone
  unsetenv("TORCHELASTIC_ERROR_FILE");
  EXPECT_EQ(nlohmann::json::parse(read_file(file)).at("message").at("message"),
            "no folder caf\xEF\xBF\xBD");
}

}  // namespace
}  // namespace moca::distributed
