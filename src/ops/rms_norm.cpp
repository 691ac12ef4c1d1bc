#include "moca/ops/rms_norm.h"

#include <ATen/ATen.h>
#include <ATen/TensorIterator.h>

#include <algorithm>

#include "moca/core/shapes.h"
#include "tile_math.h"

namespace moca::ops {
namespace {

template <typename T>
void normalise_rows(at::TensorIterator& rows, const at::Tensor& weight, int64_t K, double epsilon) {
  const auto* const weights = weight.const_data_ptr<float>();
  const int64_t grain = std::max<int64_t>(1, at::internal::GRAIN_SIZE / K);  // it counts rows here
  // Rows of two axes: of each the strides of output and input, in bytes.
  const auto normalise = [&](char** data, const int64_t* strides, int64_t inner, int64_t outer) {
    for (int64_t i = 0; i < inner * outer; ++i) {
      const int64_t at[] = {i % inner, i / inner};
      normalise_row(reinterpret_cast<const T*>(data[1] + at[0] * strides[1] + at[1] * strides[3]),
                    weights, K, static_cast<float>(epsilon),
                    reinterpret_cast<T*>(data[0] + at[0] * strides[0] + at[1] * strides[2]));
    }
  };
  rows.for_each(normalise, grain);
}

}  // namespace

bool rms_norm_applies(const at::Tensor& input, const at::Tensor& weight) {
  const bool recorded =
      at::GradMode::is_enabled() && (input.requires_grad() || weight.requires_grad());
  const auto type = input.scalar_type();
  return !recorded && input.device().is_cpu() && (type == at::kFloat || type == at::kBFloat16) &&
         input.stride(-1) == 1 && input.numel() > 0;
}

at::Tensor rms_norm(const at::Tensor& input, const at::Tensor& weight, double epsilon) {
  const int64_t K = input.size(-1);
  expect_shape(weight, {K}, "weight [K]");
  auto output = at::empty_like(input);
  auto rows = at::TensorIteratorConfig()
                  .resize_outputs(false)
                  .add_owned_output(output.select(-1, 0))
                  .add_owned_const_input(input.select(-1, 0))
                  .build();
  const auto weights = weight.to(at::kFloat).contiguous();
  if (input.scalar_type() == at::kFloat) {
    normalise_rows<float>(rows, weights, K, epsilon);
  } else {
    normalise_rows<c10::BFloat16>(rows, weights, K, epsilon);
  }
  return output;
}

}  // namespace moca::ops
