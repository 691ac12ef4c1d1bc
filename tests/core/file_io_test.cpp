#include "moca/core/file_io.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::refusal;

class FileIo : public ::testing::Test {
 protected:
  fs::path file() const { return folder_ / "file.bin"; }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      found.push_back(entry.path().filename());
    }
    return found;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(FileIo, ReadsBackEveryByte) {
  std::string bytes;
  for (int i = 0; i < 300000; ++i) {  // several buffers of the reader
    bytes += static_cast<char>(i * 7);
  }
  for (const auto& text : {bytes, std::string(), std::string("\0\n\r\0", 4)}) {
    write_file(file(), text);
    EXPECT_EQ(read_file(file()), text);
  }
}

TEST_F(FileIo, ReplacesAFileAsAWhole) {
  write_file(file(), "a long older text");
  write_file(file(), "new");
  EXPECT_EQ(read_file(file()), "new");
  EXPECT_THAT(names(), ElementsAre("file.bin"));
}

TEST_F(FileIo, SaysWhatCannotBeRead) {
  EXPECT_THAT(refusal([&] { read_file(file()); }),
              HasSubstr("cannot read " + file().string() + ": No such file or directory"));
  EXPECT_THAT(refusal([&] { read_file(folder_.path()); }), HasSubstr("Is a directory"));
}

TEST_F(FileIo, SaysWhatCannotBeWritten) {
  const auto inside = folder_ / "no_such_folder/file.bin";
  EXPECT_THAT(refusal([&] { write_file(inside, "text"); }),
              HasSubstr("cannot create " + inside.string() + ": No such file or directory. Free "));
}

TEST_F(FileIo, LeavesNothingBehindWhereAFolderIsInTheWay) {
  fs::create_directories(file() / "with/something/in/it");
  EXPECT_THAT(refusal([&] { write_file(file(), "text"); }), HasSubstr("cannot rename to"));
  EXPECT_THAT(names(), ElementsAre("file.bin"));
}

TEST_F(FileIo, ShowsAnAtomicFileOnlyWhenItIsWhole) {
  write_file(file(), "old");
  {
    AtomicFile target(file());
    target.write("new", 3);
    EXPECT_EQ(read_file(file()), "old");
    target.write(" text", 5);
    target.commit();
    EXPECT_EQ(read_file(file()), "new text");
  }
  EXPECT_EQ(read_file(file()), "new text");
}

TEST_F(FileIo, LeavesTheOldFileWhereWritingStopped) {
  write_file(file(), "old");
  {
    AtomicFile target(file());
    target.write("half", 4);
  }
  EXPECT_EQ(read_file(file()), "old");
  EXPECT_THAT(names(), ElementsAre("file.bin"));
}

TEST_F(FileIo, ReadsExactlyTheBytesAskedFor) {
  write_file(file(), "0123456789");
  const FileDescriptor opened(open(file().c_str(), O_RDONLY));
  std::string part(4, '?');
  read_exactly(opened.get(), part.data(), 4, 3, "the middle");
  EXPECT_EQ(part, "3456");
  EXPECT_EQ(refusal([&] { read_exactly(opened.get(), part.data(), 4, 7, "the end"); }),
            "cannot read the end: the file ends too early.");
}

TEST_F(FileIo, FlushesAFolderAndNamesOneThatIsNot) {
  EXPECT_EQ(refusal([&] { sync_folder(folder_.path()); }), "accepted");
  EXPECT_THAT(refusal([&] { sync_folder(file()); }), HasSubstr("cannot flush the folder"));
}

TEST_F(FileIo, ADescriptorIsClosedOnceAndReleasedOnRequest) {
  write_file(file(), "text");
  int number = -1;
  {
    const FileDescriptor opened(open(file().c_str(), O_RDONLY));
    number = opened.get();
    EXPECT_NE(fcntl(number, F_GETFD), -1);
  }
  EXPECT_EQ(fcntl(number, F_GETFD), -1) << "still open";
}

}  // namespace
}  // namespace moca
