#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <vector>

#include "moca/core/generator.h"
#include "moca/nn/autocast.h"
#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::all_close;
using testing::bit_equal;

// The output, the generator's next numbers, and the gradients of all parameters and the picture.
std::vector<at::Tensor> train_once(bool checkpoints, bool bf16, bool with_picture = true) {
  auto config = small_config();
  config.router.stochastic = true;
  auto dit = make(config);
  dit->train();
  if (checkpoints) {
    dit->checkpoint_activations();
  }
  auto input = make_input(2, 6);
  input.component_mask[1][4].fill_(false);
  input.component_mask[1][5].fill_(false);
  if (with_picture) {
    image_of(input).requires_grad_();
  } else {
    input.conditions = {};
  }
  auto generator = generator_for(3, "checkpointing test");
  at::Tensor output;
  {
    const nn::Autocast autocast(c10::Device(c10::kCPU), bf16);
    output = dit->forward(input, generator);
  }
  (output * random_tensor(output.sizes(), 8)).sum().backward();
  std::vector<at::Tensor> results = {output.detach(),
                                     at::rand({4}, generator, at::TensorOptions())};
  for (const auto& parameter : dit->parameters()) {
    results.push_back(parameter.grad());
  }
  if (with_picture) {
    results.push_back(image_of(input).grad());
  }
  return results;
}

// Gradients are sums in another order.
void expect_same(const std::vector<at::Tensor>& found, const std::vector<at::Tensor>& expected,
                 double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_TRUE(bit_equal(found[0], expected[0]));
  EXPECT_TRUE(bit_equal(found[1], expected[1]));
  for (size_t i = 2; i < expected.size(); ++i) {
    ASSERT_EQ(found[i].defined(), expected[i].defined()) << "gradient " << i;
    if (expected[i].defined()) {
      EXPECT_TRUE(all_close(found[i], expected[i], tolerance)) << "gradient " << i;
    }
  }
}

TEST(ActivationCheckpointing, ChangesNoBitOfOutputAndRandomNumbersAndNoGradient) {
  expect_same(train_once(true, false), train_once(false, false), 1e-5);
}

TEST(ActivationCheckpointing, DoesNotUnderAutocastEither) {
  expect_same(train_once(true, true), train_once(false, true), 5e-2);
}

TEST(ActivationCheckpointing, TakesANullCondition) {
  expect_same(train_once(true, false, false), train_once(false, false, false), 1e-5);
}

}  // namespace
}  // namespace moca::dit
