#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "moca/checkpoint/safetensors.h"
#include "moca/core/file_io.h"
#include "tests/checkpoint/sample_files.h"
#include "tests/support/refusal.h"
#include "tests/support/source_folder.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

// Against Python's safetensors, which wraps the reference implementation.
namespace moca::checkpoint {
namespace {

class SafetensorsInPython : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(python()) ||
        run("import numpy, safetensors; safetensors.TensorSpec") != 0) {
      GTEST_SKIP() << "no numpy and safetensors 0.8 in " << python()
                   << "; scripts/setup.sh --tests installs them";
    }
  }

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  // Runs Python code in the test's folder and returns the exit code.
  int run(const std::string& code) const {
    write_file(path("code.py"), code);
    const auto command =
        "cd '" + folder_.path().string() + "' && '" + python() + "' code.py > messages.txt 2>&1";
    return std::system(command.c_str());
  }

  std::string messages() const { return read_file(path("messages.txt")); }

 private:
  static std::string python() { return (testing::source_folder() / ".venv/bin/python").string(); }

  testing::TemporaryFolder folder_;
};

TEST_F(SafetensorsInPython, ReadsWhatWeWriteAndWritesWhatWeRead) {
  const auto tensors = some_tensors();
  write_safetensors(path("ours.safetensors"), tensors, {{"format", "pt"}});
  ASSERT_EQ(run(R"(
import numpy, safetensors
data = open("ours.safetensors", "rb").read()
with safetensors.safe_open("ours.safetensors", framework="numpy") as file:
    assert file.metadata() == {"format": "pt"}, file.metadata()
    assert file.get_tensor("long").tolist() == [0, 1, 2, 3, 4, 5]
    assert file.get_tensor("bool").tolist() == [False, True]
    assert file.get_tensor("scalar").shape == () and file.get_tensor("scalar") == 3.5
    assert file.get_tensor("empty").shape == (0, 4)
    assert file.get_tensor("half").dtype == "float16"
types = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
         "I64": "int64", "I32": "int32", "U8": "uint8", "BOOL": "bool"}
tensors, buffers = {}, []
for name, t in safetensors.deserialize(data):
    buffers.append(numpy.frombuffer(bytes(t["data"]), "uint8"))
    tensors[name] = safetensors.TensorSpec(dtype=types[t["dtype"]], shape=t["shape"],
                                           data_ptr=buffers[-1].ctypes.data,
                                           data_len=buffers[-1].nbytes)
safetensors.serialize_file(tensors, "theirs.safetensors", {"a": "b"})
)"),
            0)
      << messages();
  const SafetensorsFile theirs(path("theirs.safetensors"));
  EXPECT_EQ(theirs.metadata(), (Metadata{{"a", "b"}}));
  EXPECT_EQ(theirs.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(testing::bit_equal(theirs.read(name), tensor)) << name;
    EXPECT_EQ(theirs.read(name).scalar_type(), tensor.scalar_type()) << name;
  }
}

TEST_F(SafetensorsInPython, RefusesNothingThatWeAccept) {
  constexpr int kFiles = 3'000;
  const auto files = valid_files();
  Mutator mutator(4);
  std::vector<std::string> damaged;
  std::string all;
  for (int i = 0; i < kFiles; ++i) {
    damaged.push_back(mutator.file(files[i % files.size()]));
    const uint64_t length = damaged.back().size();
    all.append(reinterpret_cast<const char*>(&length), sizeof(length)).append(damaged.back());
  }
  write_file(path("damaged"), all);
  ASSERT_EQ(run(R"(
import safetensors
data = open("damaged", "rb").read()
place = 0
while place < len(data):
    begin = place + 8
    place = begin + int.from_bytes(data[place:begin], "little")
    try:
        safetensors.deserialize(data[begin:place])
        print("accepted")
    except safetensors.SafetensorError:
        print("refused")
)"),
            0)
      << messages();
  std::istringstream verdicts(messages());
  int accepted = 0;
  for (const auto& bytes : damaged) {
    std::string theirs;
    ASSERT_TRUE(std::getline(verdicts, theirs));
    const auto ours = testing::refusal([&] { parse_bytes(bytes); });
    accepted += ours == "accepted";
    EXPECT_TRUE(ours != "accepted" || theirs == "accepted") << bytes;
  }
  EXPECT_GT(accepted, kFiles / 100);
}

}  // namespace
}  // namespace moca::checkpoint
