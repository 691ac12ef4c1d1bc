#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <csignal>

#include "memory.h"
#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/checkpoint_writer.h"
#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/ops/farthest_point_sampling.h"
#include "moca/vae/component_decoder.h"
#include "src/ops/routing.cuh"
#include "synchronizations.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"
#include "tests/vae/centred_field.h"

// What a GPU refuses, the stand-in refuses; what it computes is what the CPU computes.
namespace moca::stand_in {
namespace {

using testing::all_close;
using testing::bit_equal;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const c10::Device kDevice(c10::kCUDA, 0);

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return at::randn(sizes, generator_for(1, "stand-in", 0, index), at::TensorOptions());
}

template <class Work>
void expect_refusal(const char* reason, const Work& work) {
  EXPECT_THAT([&] { work(); }, ThrowsMessage<c10::Error>(HasSubstr(reason)));
}

TEST(StandInDevice, KillsAProcessWhoseHostCodeReadsItsMemory) {
  const auto tensor = at::ones({3}, kDevice);
  EXPECT_EXIT(std::printf("%f", *tensor.const_data_ptr<float>()),
              ::testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(*tensor.mutable_data_ptr<float>() = 1.0F, ::testing::KilledBySignal(SIGSEGV), "");
}

TEST(StandInDevice, RefusesTensorsOfTheCpuBesideItsOwn) {
  const auto here = at::ones({3, 3}), there = here.to(kDevice);
  const char* const reason = "on cpu beside cuda:0";
  expect_refusal(reason, [&] { there + here; });
  expect_refusal(reason, [&] { at::matmul(here, there); });
  expect_refusal(reason, [&] { at::cat({there, here}); });
  expect_refusal(reason, [&] { at::where(here > 0, there, 0.0); });
  expect_refusal(reason, [&] { there.index_select(0, at::zeros({1}, at::kLong)); });
  EXPECT_TRUE(bit_equal(there * at::scalar_tensor(2.0), here * 2.0)) << "numbers may be the CPU's";
}

TEST(StandInDevice, RefusesTensorsOfAnotherDevice) {
  const auto first = at::ones({3}, kDevice), second = first.to(c10::Device(c10::kCUDA, 1));
  EXPECT_EQ((second + second).device().index(), 1);
  expect_refusal("on cuda:1 and on cuda:0", [&] { first + second; });
  expect_refusal("there is no cuda:2", [&] { first.to(c10::Device(c10::kCUDA, 2)); });
}

TEST(StandInDevice, RefusesAGeneratorOfTheCpu) {
  expect_refusal("was given a generator of cpu", [] {
    at::randn({3}, at::detail::createCPUGenerator(1), at::TensorOptions().device(kDevice));
  });
}

TEST(StandInDevice, RefusesToLaunchAKernelOnMemoryOfTheHost) {
  const auto keys = at::ones({2, 2, 1, 2});
  const auto lists = at::empty({2, 2, 1, 1}, at::device(kDevice).dtype(at::kLong));
  expect_refusal("a kernel was given memory of the host", [&] {
    ops::launch_select_components(keys.const_data_ptr<float>(), lists.mutable_data_ptr<int64_t>(),
                                  nullptr, 4, 2, 1, 1, nullptr);
  });
}

TEST(StandInDevice, FillsNewMemoryWithNoNumbers) {
  EXPECT_TRUE(at::empty({7}, kDevice).isnan().all().item<bool>());
}

TEST(StandInDevice, WritesThroughViewsAndIntoOutputs) {
  const auto host = draw({4, 6}, 0);
  for (const auto& device : {c10::Device(c10::kCPU), kDevice}) {
    const auto tensor = host.clone().to(device);
    tensor.narrow(1, 2, 3).transpose(0, 1).select(0, 1).mul_(3.0);
    tensor.as_strided({2, 2}, {6, 1}, 7).unbind(1)[0].zero_();
    const auto [left, right] = std::pair(tensor.split(3, 1)[0], tensor.chunk(2, 1)[1]);
    right.copy_(left);
    auto expected = host.clone();
    expected.select(1, 3).mul_(3.0);
    expected[1][1] = 0.0;
    expected[2][1] = 0.0;
    expected.narrow(1, 3, 3).copy_(expected.narrow(1, 0, 3));
    EXPECT_TRUE(bit_equal(tensor, expected)) << device;
    auto sum = at::empty({0}, device);
    at::sum_out(sum, tensor, 0);
    EXPECT_TRUE(all_close(sum, expected.sum(0), 1e-6)) << device;
  }
}

TEST(StandInDevice, DifferentiatesAsTheCpuDoes) {
  const auto gradients_on = [](c10::Device device) {
    const auto x = draw({5, 8}, 1).to(device).requires_grad_();
    const auto weight = draw({6, 8}, 2).to(device).requires_grad_();
    const auto y = at::layer_norm(at::gelu(at::linear(x, weight)), {6}).softmax(-1);
    return torch::autograd::grad({(y * y).sum()}, {x, weight});
  };
  const auto expected = gradients_on(c10::kCPU), found = gradients_on(kDevice);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(all_close(found[i], expected[i], 1e-6));
  }
}

// How often the host waits during `work`, by what it waits for.
using Waits = std::map<std::string, int64_t>;
template <class Work>
Waits waits_of(const Work& work) {
  forget_synchronizations();
  work();
  Waits waits;
  for (const auto& [what, count] : synchronizations()) {
    waits[what.first] += count;
  }
  return waits;
}

TEST(StandInDevice, CountsWhereTheHostWaits) {
  const auto host = draw({8}, 3), pinned = host.pin_memory(), tensor = host.to(kDevice);
  EXPECT_EQ(waits_of([&] { tensor + tensor; }), Waits{});
  EXPECT_EQ(waits_of([&] { tensor.sum().item<float>(); }), (Waits{{"item", 1}}));
  EXPECT_EQ(waits_of([&] { tensor.cpu(); }), (Waits{{"copy to host", 1}}));
  EXPECT_EQ(waits_of([&] { host.to(kDevice, true); }), (Waits{{"pageable copy to device", 1}}));
  EXPECT_EQ(waits_of([&] { pinned.to(kDevice, true); }), Waits{});
  EXPECT_EQ(waits_of([&] { pinned.to(kDevice); }), (Waits{{"blocking copy to device", 1}}));
  EXPECT_EQ(waits_of([&] { tensor.nonzero(); }), (Waits{{"nonzero", 1}}));
  EXPECT_EQ(waits_of([&] { tensor.index({tensor > 0}); }), (Waits{{"index by a mask", 1}}));
}

TEST(CheckpointWriter, WaitsOnceForACopyOfAFilesTensors) {
  const testing::TemporaryFolder folder;
  checkpoint::CheckpointWriter writer(folder.path(), {});
  const checkpoint::NamedTensors tensors = {
      {"a", draw({8, 3}, 5).to(kDevice)}, {"b", draw({9}, 6).to(kDevice)}, {"c", draw({2}, 7)}};
  const checkpoint::CheckpointContent content = {{{"model.safetensors", tensors}}, {}, "{}"};
  EXPECT_EQ(waits_of([&] {
              writer.reserve_memory(content);
              writer.save(1, content);
              writer.finish();
            }),
            (Waits{{"wait for a stream", 1}}));
  const checkpoint::SafetensorsFile file(checkpoint::step_folder(folder.path(), 1) /
                                         "model.safetensors");
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(bit_equal(file.read(name), tensor)) << name;
  }
}

TEST(ComponentDecoder, GivesTheMeshesOfTheCpuInTheirOrder) {
  auto vae = testing::tiny_vae();
  vae::DecoderConfig config;
  config.resolution = 33;
  config.coarse_resolution = 17;
  const auto latents = draw({3, vae->config().num_tokens, vae->config().latent_channels}, 8);
  testing::centre_field(vae, latents);
  const auto expected = vae::decode_components(vae, latents, config);
  vae->to(kDevice);
  const auto decoded = [&](const at::Tensor& from, bool use_bf16) {
    return vae::decode_components(vae, from.to(kDevice), config, use_bf16);
  };
  const auto found = decoded(latents, false), in_bf16 = decoded(latents, true);
  ASSERT_EQ(found.size(), 3U);
  ASSERT_EQ(in_bf16.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    const auto count = expected[i].vertices.size();
    ASSERT_EQ(found[i].vertices.size(), count);
    EXPECT_LT((found[i].vertices[count / 2] - expected[i].vertices[count / 2]).norm(), 1e-4);
    EXPECT_NEAR(in_bf16[i].vertices.size(), count, 0.1 * static_cast<double>(count));
    EXPECT_NE(in_bf16[i].vertices, expected[i].vertices);
  }
  latents[1].fill_(NAN);
  EXPECT_THAT([&] { decoded(latents, false); },
              ThrowsMessage<Error>(HasSubstr("the field is not a number")));
}

TEST(StandInDevice, NamesTheFunctionThatWaits) {
  const auto points = draw({1, 8, 3}, 4).to(kDevice);
  forget_synchronizations();
  EXPECT_TRUE(all_close(points, points.cpu(), 0.0));
  const auto found = synchronizations();
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(synchronization_table(), HasSubstr("copy to host: moca::"));
}

}  // namespace
}  // namespace moca::stand_in
