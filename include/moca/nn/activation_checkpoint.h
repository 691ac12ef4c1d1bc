#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <vector>

namespace moca::nn {

// What is computed from some tensors (undefined ones among them), drawing from `generator` if there
// is one. It must not hold on to anything that dies before the backward pass.
using Computation = std::function<at::Tensor(const std::vector<at::Tensor>& inputs,
                                             const std::optional<at::Generator>& generator)>;

// Activation checkpointing (Chen et al. 2016): runs `compute` without keeping what its backward
// pass needs, and once more when that comes, with the same random numbers and the same autocast:
// the same output to the bit, and gradients that differ by the order of their sums. `parameters`
// are the others that `compute` is differentiated in: those of its module.
at::Tensor checkpointed(const Computation& compute, const std::vector<at::Tensor>& inputs,
                        const std::vector<at::Tensor>& parameters,
                        const std::optional<at::Generator>& generator);

}  // namespace moca::nn
