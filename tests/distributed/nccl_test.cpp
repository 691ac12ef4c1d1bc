#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <vector>

#include "src/distributed/nccl_backend.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::distributed {
namespace {

// One rank is what one GPU allows; it loads the library, starts NCCL and runs its kernels.
TEST(Nccl, OfOneRankSumsAndBroadcastsItsOwnTensors) {
  const auto device = testing::device();
  if (device.is_cpu()) {
    GTEST_SKIP() << "MOCA_TEST_DEVICE names no GPU";
  }
  const auto store = c10::make_intrusive<c10d::HashStore>();
  const auto group = c10::make_intrusive<c10d::ProcessGroup>(store, 0, 1);
  add_nccl(*group, store, Launch{}, device, std::chrono::seconds(60));
  group->setDefaultBackend(c10d::ProcessGroup::NCCL);
  group->setGroupName("moca");
  for (const auto type : {at::kFloat, at::kBFloat16, at::kDouble}) {
    const auto expected = at::arange(1000, at::TensorOptions().dtype(type));
    std::vector<at::Tensor> tensors{expected.to(device)};
    group->allreduce(tensors)->wait();
    EXPECT_TRUE(testing::bit_equal(tensors[0], expected));
    group->broadcast(tensors)->wait();
    EXPECT_TRUE(testing::bit_equal(tensors[0], expected));
  }
  EXPECT_GE(nlohmann::json::parse(nccl_record()).at("entries").size(), 6U);
  group->shutdown();
}

}  // namespace
}  // namespace moca::distributed
