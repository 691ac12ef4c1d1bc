#include "few_rows_linear.h"

#include <ATen/ATen.h>

#include <vector>

#include "onednn.h"
#include "tile_products.h"

namespace moca::ops {
namespace {

constexpr int64_t kFewRows = 16;
constexpr int64_t kSmallestWeight = int64_t{1} << 14;

template <typename T>
at::Tensor multiply(const at::Tensor& input, const at::Tensor& weight) {
  const int64_t rows = input.size(0), width_in = input.size(1), width_out = weight.size(0);
  std::vector<T> packed(right_rows<T>(width_in) * rows);
  pack_right(input.const_data_ptr<T>(), width_in, rows, int64_t{1}, width_in, packed.data(), rows);
  auto output = at::empty({width_out, rows}, input.options().dtype(at::kFloat));
  product(width_out, rows, width_in, weight.const_data_ptr<T>(), weight.stride(0), packed.data(),
          rows, output.mutable_data_ptr<float>(), rows, false);
  if constexpr (kPaired<T>) {
    at::native::cpublas::brgemm_release();
  }
  return output.t();
}

}  // namespace

bool few_rows_apply(const at::Tensor& input, const at::Tensor& weight) {
  const int64_t rows = input.numel() / input.size(-1);
  return rows > 0 && rows <= kFewRows && weight.numel() >= kSmallestWeight &&
         weight.stride(1) == 1 && weight.size(1) % 2 == 0 && onednn_applies(input, weight);
}

at::Tensor few_rows_product(const at::Tensor& input, const at::Tensor& weight) {
  const auto rows = input.reshape({-1, input.size(-1)}).contiguous();
  const auto output = input.scalar_type() == at::kBFloat16 ? multiply<c10::BFloat16>(rows, weight)
                                                           : multiply<float>(rows, weight);
  auto sizes = input.sizes().vec();
  sizes.back() = weight.size(0);
  return output.contiguous().view(sizes);
}

at::Tensor few_rows_linear(const at::Tensor& input, const at::Tensor& weight,
                           const at::Tensor& bias, bool gelu) {
  auto output = few_rows_product(input, weight);
  if (bias.defined()) {
    output = output + bias;
  }
  output = gelu ? at::gelu(output, "none") : output;
  return output.to(input.scalar_type());
}

}  // namespace moca::ops
