#include "moca/checkpoint/checkpoint_writer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/core/file_io.h"
#include "moca/core/memory.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::bit_equal;
using ::testing::HasSubstr;
using testing::refusal;

CheckpointContent content_of(const at::Tensor& tensor) {
  return {{{"model.safetensors", {{"w", tensor}}}}, {}, "{}"};
}

class Writer : public ::testing::Test {
 protected:
  fs::path checkpoints() const { return folder_ / "checkpoints"; }
  at::Tensor stored(int64_t step) const {
    return SafetensorsFile(step_folder(checkpoints(), step) / "model.safetensors").read("w");
  }
  testing::TemporaryFolder folder_;
};

TEST_F(Writer, WritesWhatTheTensorsWereWhenTheyWereSaved) {
  const auto tensor = at::zeros({1 << 20});
  CheckpointWriter writer(checkpoints(), {10, 0});
  for (const int64_t step : {1, 2, 3}) {  // a second one waits for the first, none is lost
    tensor.fill_(static_cast<double>(step));
    writer.save(step, content_of(tensor));
    tensor.fill_(-1.0);  // as the next training step would
  }
  writer.finish();
  for (const int64_t step : {1, 2, 3}) {
    EXPECT_TRUE(bit_equal(stored(step), at::full({1 << 20}, static_cast<double>(step))));
  }
  EXPECT_EQ(latest_good_step(checkpoints()), 3);
}

TEST_F(Writer, WritesIntoTheRoomMadeBefore) {
  const auto tensor = at::zeros({1 << 22});
  CheckpointWriter writer(checkpoints(), {10, 0});
  writer.reserve_memory(content_of(tensor));
  writer.finish();
  EXPECT_TRUE(steps_in(checkpoints()).empty());  // nothing is written yet
  const double before = memory_gib();
  writer.save(1, content_of(tensor.fill_(1.0)));
  EXPECT_LT(memory_gib() - before, 0.008);  // the copy alone is 0.016
  writer.finish();
  EXPECT_TRUE(bit_equal(stored(1), at::ones({1 << 22})));
}

TEST_F(Writer, FinishesWhatItBeganWhenItGoes) {
  CheckpointWriter(checkpoints(), {10, 0}).save(1, content_of(at::ones({1 << 20})));
  EXPECT_EQ(latest_good_step(checkpoints()), 1);
}

TEST_F(Writer, CopiesTensorsOfAnotherShapeAnew) {
  CheckpointWriter writer(checkpoints(), {10, 0});
  writer.save(1, content_of(at::ones({4})));
  writer.save(2, content_of(at::ones({2, 3})));
  writer.finish();
  EXPECT_EQ(stored(2).sizes(), at::IntArrayRef({2, 3}));
}

TEST_F(Writer, SaysOnceWhatWentWrongAndGoesOn) {
  write_file(checkpoints(), "a file where the folder should be");
  CheckpointWriter writer(checkpoints(), {10, 0});
  writer.save(1, content_of(at::ones({4})));
  EXPECT_THAT(refusal([&] { writer.finish(); }), HasSubstr("cannot write the checkpoint"));
  fs::remove(checkpoints());
  EXPECT_EQ(refusal([&] { writer.save(2, content_of(at::ones({4}))); }), "accepted");
  EXPECT_EQ(refusal([&] { writer.finish(); }), "accepted");
  EXPECT_EQ(latest_good_step(checkpoints()), 2);
}

}  // namespace
}  // namespace moca::checkpoint
