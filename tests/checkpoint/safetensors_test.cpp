#include "moca/checkpoint/safetensors.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>
#include <string>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "tests/checkpoint/sample_files.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::checkpoint {
namespace {

using testing::bit_equal;
using ::testing::HasSubstr;
using testing::refusal;
using testing::TemporaryFolder;

// A file of one tensor, "t".
class OneTensor : public ::testing::Test {
 protected:
  SafetensorsFile stored(const at::Tensor& tensor) {
    write_safetensors(path(), {{"t", tensor}});
    return SafetensorsFile(path());
  }
  std::filesystem::path path() const { return folder_ / "a.safetensors"; }

 private:
  TemporaryFolder folder_;
};

TEST(Safetensors, ReadsBackEveryTypeBitForBit) {
  const TemporaryFolder folder;
  const auto tensors = some_tensors();
  write_safetensors(folder / "a.safetensors", tensors);
  const SafetensorsFile file(folder / "a.safetensors");
  EXPECT_EQ(file.entries().size(), tensors.size());
  EXPECT_TRUE(file.metadata().empty());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(bit_equal(file.read(name), tensor)) << name;
    EXPECT_EQ(file.read(name).scalar_type(), tensor.scalar_type()) << name;
    const auto target = at::ones_like(tensor);
    file.read_into(name, target);
    EXPECT_TRUE(bit_equal(target, tensor)) << name;
  }
}

TEST(Safetensors, AlignsEveryTensorForReadersThatMapTheFile) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", some_tensors());
  const SafetensorsFile file(folder / "a.safetensors");
  for (const auto& [name, entry] : file.entries()) {
    EXPECT_EQ(entry.begin % c10::elementSize(entry.type), 0U) << name;
  }
}

TEST(Safetensors, KeepsTheMetadata) {
  const TemporaryFolder folder;
  const Metadata metadata = {{"format", "pt"}, {"note \"1\"", "two\nlines"}};
  write_safetensors(folder / "a.safetensors", {{"t", at::zeros({1})}}, metadata);
  EXPECT_EQ(SafetensorsFile(folder / "a.safetensors").metadata(), metadata);
}

TEST(Safetensors, HoldsNoTensorAtAll) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", {});
  EXPECT_TRUE(SafetensorsFile(folder / "a.safetensors").entries().empty());
}

TEST_F(OneTensor, ReadsOneRow) {
  const auto tensor = at::randn({4, 5});
  EXPECT_TRUE(bit_equal(stored(tensor).read_row("t", 2), tensor[2]));
}

TEST_F(OneTensor, IsWrittenAsItReadsWhenItIsStrided) {
  const auto strided = at::arange(12).view({3, 4}).t();
  EXPECT_TRUE(bit_equal(stored(strided).read("t"), strided));
}

TEST_F(OneTensor, ConvertsBetweenFloatingPointTypes) {
  const auto tensor = at::randn({3, 5});
  for (const auto from : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    const auto file = stored(tensor.to(from));
    for (const auto to : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
      const auto target = at::zeros({3, 5}, to);
      file.read_into("t", target);
      EXPECT_TRUE(bit_equal(target, tensor.to(from).to(to))) << from << " to " << to;
    }
  }
}

// Sizes beyond the buffer of 4 MiB, that do not divide into it evenly.
TEST_F(OneTensor, IsConvertedPieceByPieceWhenItIsLarge) {
  const auto tensor = at::randn({1'100'003});
  const auto target = at::zeros({1'100'003}, at::kBFloat16);
  stored(tensor).read_into("t", target);
  EXPECT_TRUE(bit_equal(target, tensor.to(at::kBFloat16)));
}

TEST_F(OneTensor, FillsATargetWithStrides) {
  const auto tensor = at::randn({3, 2, 5});
  const auto target = at::zeros({5, 2, 3}).permute({2, 1, 0});
  stored(tensor).read_into("t", target);
  EXPECT_TRUE(bit_equal(target, tensor));
  const auto large = at::randn({2, 1'100'000});
  const auto columns = at::zeros({1'100'000, 2}).t();
  stored(large).read_into("t", columns);
  EXPECT_TRUE(bit_equal(columns, large));
}

TEST_F(OneTensor, FillsAParameter) {
  const auto tensor = at::randn({2, 2});
  auto parameter = at::zeros({2, 2}, at::kBFloat16).requires_grad_();
  stored(tensor).read_into("t", parameter);
  EXPECT_TRUE(bit_equal(parameter, tensor.to(at::kBFloat16)));
  EXPECT_TRUE(parameter.is_leaf());
}

TEST_F(OneTensor, GoesFromAndToAGpu) {
  if (testing::device().is_cpu()) {
    GTEST_SKIP() << "MOCA_TEST_DEVICE names no GPU";
  }
  const auto tensor = at::randn({3, 1'000'003});
  const auto file = stored(testing::on_device(tensor));
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const auto target = at::zeros(tensor.sizes(), at::device(testing::device()).dtype(type));
    file.read_into("t", target);
    EXPECT_TRUE(bit_equal(target.cpu(), tensor.to(type))) << type;
  }
}

TEST_F(OneTensor, FillsNoTargetOfAnotherShapeOrKind) {
  const auto file = stored(at::zeros({2, 3}));
  EXPECT_THAT(refusal([&] {
                file.read_into("t", at::zeros({3, 2}));
              }),
              HasSubstr("'t' has the shape [2, 3], the model expects [3, 2]"));
  EXPECT_THAT(refusal([&] {
                file.read_into("t", at::zeros({2, 3}, at::kLong));
              }),
              HasSubstr("'t' holds F32, the model expects I64"));
  EXPECT_THAT(refusal([&] {
                file.read_into("u", at::zeros({2, 3}));
              }),
              HasSubstr("holds no tensor 'u'"));
}

TEST_F(OneTensor, TakesEveryByteThatIsNotZeroForTrue) {
  stored(at::zeros({2}, at::kBool));
  auto bytes = read_file(path());
  bytes.back() = '\x7f';
  write_file(path(), bytes);
  EXPECT_TRUE(at::equal(SafetensorsFile(path()).read("t"), at::arange(2).to(at::kBool)));
}

TEST_F(OneTensor, NamesTheFirstElementThatIsNotFinite) {
  constexpr int64_t kPlace = 1'050'000;  // in the second piece of four bytes an element
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    auto tensor = at::full({2, 600'000}, 60'000, at::kFloat).to(type);
    EXPECT_EQ(refusal([&] { stored(tensor).check_finite("t"); }), "accepted") << type;
    tensor.view(-1)[kPlace] = -std::numeric_limits<double>::infinity();
    EXPECT_THAT(refusal([&] { stored(tensor).check_finite("t"); }),
                HasSubstr("a.safetensors: 't' [2, 600000] holds infinity at its element 1050000"));
    tensor.view(-1)[3] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THAT(refusal([&] { stored(tensor).check_finite("t"); }),
                HasSubstr("holds NaN at its element 3"));
  }
  EXPECT_EQ(refusal([&] { stored(at::arange(3)).check_finite("t"); }), "accepted");
}

TEST_F(OneTensor, CutAfterItWasOpenedIsAnErrorNotACrash) {
  const auto file = stored(at::zeros({1000}));
  std::filesystem::resize_file(path(), 200);
  const auto early = HasSubstr("'t': the file ends too early");
  EXPECT_THAT(refusal([&] { file.read("t"); }), early);
  EXPECT_THAT(refusal([&] { file.read_into("t", at::zeros({1000})); }), early);
  EXPECT_THAT(refusal([&] { file.read_into("t", at::zeros({1000}, at::kHalf)); }), early);
  EXPECT_THAT(refusal([&] { file.check_finite("t"); }), early);
}

TEST(Safetensors, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  const auto file = folder / "bad.safetensors";
  const auto opening = [](const std::filesystem::path& path) {
    return refusal([&] { const SafetensorsFile opened(path); });
  };
  EXPECT_THAT(opening(folder / "missing"), HasSubstr("No such file"));
  EXPECT_THAT(opening(folder.path()), HasSubstr("not a file"));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(opening(folder / "pipe"), HasSubstr("not a file"));
  write_file(file, "");
  EXPECT_THAT(opening(file), HasSubstr("0 bytes are too few"));
  write_file(file, "abc");
  EXPECT_THAT(opening(file), HasSubstr("3 bytes are too few"));
  write_file(file, std::string(8, '\x7f') + "{}");
  EXPECT_THAT(opening(file), HasSubstr("truncated or not safetensors"));
  write_file(file, file_bytes(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", 8));
  EXPECT_THAT(opening(file), HasSubstr("bad.safetensors: tensor 'a' ends at byte 9"));
}

TEST(Safetensors, LeavesNothingBehindWhenTheFolderCannotBeWritten) {
  EXPECT_THROW(write_safetensors("/proc/nowhere/a.safetensors", some_tensors()), Error);
}

TEST(Safetensors, NeverWritesWhatItCouldNotRead) {
  const TemporaryFolder folder;
  const auto file = folder / "a.safetensors";
  EXPECT_ANY_THROW(write_safetensors(file, {{"t", at::zeros({1}, at::kShort)}}));
  EXPECT_ANY_THROW(write_safetensors(file, {{"t", at::zeros({1})}, {"t", at::zeros({1})}}));
  EXPECT_ANY_THROW(write_safetensors(file, {{"__metadata__", at::zeros({1})}}));
  EXPECT_ANY_THROW(write_safetensors(file, {{"not UTF-8: \xFF", at::zeros({1})}}));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace moca::checkpoint
