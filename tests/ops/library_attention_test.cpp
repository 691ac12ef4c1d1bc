#include "src/ops/library_attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::library_attention_test {
namespace {

using testing::all_close;
using testing::on_device;

at::Tensor draw(at::IntArrayRef sizes, uint64_t index, at::ScalarType type) {
  return on_device(at::randn(sizes, generator_for(13, "library attention test", 0, index),
                             at::TensorOptions().dtype(at::kDouble)))
      .to(type);
}

// LibTorch chooses the kernel by type, device and head width; a width of 12 has none on a GPU.
class Kernels : public ::testing::TestWithParam<int64_t> {};

TEST_P(Kernels, GiveAttentionAndItsGradients) {
  const int64_t K = GetParam();
  for (const auto type : {at::kDouble, at::kFloat}) {
    const auto query = draw({2, 3, 5, K}, 0, type).requires_grad_();
    const auto key = draw({2, 3, 9, K}, 1, type).requires_grad_();
    const auto value = draw({2, 3, 9, K}, 2, type).requires_grad_();
    const auto gradient = draw({2, 3, 5, K}, 3, type);
    const auto scores = at::matmul(query, key.transpose(2, 3)) / std::sqrt(static_cast<double>(K));
    const auto expected = at::matmul(scores.softmax(-1), value);
    const auto gradients = torch::autograd::grad({expected}, {query, key, value}, {gradient});
    const torch::NoGradGuard no_grad;
    const auto forward = library_attention(query, key, value);
    const auto backward = library_attention_backward(gradient, query, key, value, forward);
    const double tolerance = type == at::kDouble ? 1e-12 : 2e-5;
    EXPECT_TRUE(all_close(forward.output, expected, tolerance));
    EXPECT_TRUE(all_close(backward.query, gradients[0], tolerance));
    EXPECT_TRUE(all_close(backward.key, gradients[1], tolerance));
    EXPECT_TRUE(all_close(backward.value, gradients[2], tolerance));
  }
}

INSTANTIATE_TEST_SUITE_P(LibraryAttention, Kernels, ::testing::Values(8, 12, 64));

TEST(LibraryAttention, TakesFlashOnACpuForEveryHeadWidth) {
  for (const int64_t K : {8, 12}) {
    const auto draw_on_cpu = [&](uint64_t index) {
      return draw({1, 1, 4, K}, index, at::kFloat).cpu();
    };
    EXPECT_EQ(library_attention(draw_on_cpu(0), draw_on_cpu(1), draw_on_cpu(2)).kernel,
              LibraryKernel::kFlashOnCpu);
  }
}

TEST(LibraryAttention, OfEveryKernelHereHasTheGradientsOfAttention) {
  const auto query = draw({2, 3, 7, 4}, 0, at::kDouble).requires_grad_();
  const auto key = draw({2, 3, 9, 4}, 1, at::kDouble).requires_grad_();
  const auto value = draw({2, 3, 9, 4}, 2, at::kDouble).requires_grad_();
  const auto expected = at::scaled_dot_product_attention(query, key, value);
  const auto gradient = draw(expected.sizes(), 3, at::kDouble);
  const auto gradients = torch::autograd::grad({expected}, {query, key, value}, {gradient});
  const torch::NoGradGuard no_grad;
  auto found = library_attention(query, key, value);
  EXPECT_EQ(found.kernel,
            query.is_cpu() ? LibraryKernel::kFlashOnCpu : LibraryKernel::kPlain);  // of doubles
  for (const auto kernel : {found.kernel, LibraryKernel::kPlain}) {
    found.kernel = kernel;  // log-sum-exp means the same to both
    const auto of = library_attention_backward(gradient, query, key, value, found);
    EXPECT_TRUE(all_close(found.output, expected, 1e-12));
    EXPECT_TRUE(all_close(of.query, gradients[0], 1e-12));
    EXPECT_TRUE(all_close(of.key, gradients[1], 1e-12));
    EXPECT_TRUE(all_close(of.value, gradients[2], 1e-12));
  }
}

}  // namespace
}  // namespace moca::ops::library_attention_test
