#include "moca/core/logging.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "moca/core/error.h"

namespace moca {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(Logging, PrintsTimeLevelAndMessageOnStandardError) {
  ::testing::internal::CaptureStderr();
  log::info("hello {} 100%");
  log::warn("careful");
  log::flush();
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("[0-9:]+ I hello .. 100%\n[0-9:]+ W careful\n"));
}

TEST(Logging, AppendsLinesToAFileWhileItLives) {
  std::string name = (fs::temp_directory_path() / "moca_log_XXXXXX").string();
  const fs::path folder = ::mkdtemp(name.data());
  const fs::path file = folder / "log.txt";
  std::ofstream(file) << "an earlier run\n";
  log::info("before");
  {
    const log::File log_file(file);
    log::info("after");
  }
  log::info("of the next run");
  EXPECT_THAT(text_of(file), MatchesRegex("an earlier run\n[-0-9: ]+ I after\n"));
  fs::remove_all(folder);
}

TEST(Logging, RefusesAFileThatCannotBeWritten) {
  try {
    const log::File log_file("/dev/null/log.txt");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot write the log /dev/null/log.txt"));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace moca
