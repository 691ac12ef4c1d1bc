#include "moca/ops/attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "onednn.h"

namespace moca::ops {
namespace {

constexpr int64_t kQueryRows = 256;  // scores of this many queries are held at a time
// Below this many scores of a head, LibTorch's attention is as fast.
constexpr int64_t kSmallestHead = int64_t{1} << 14;

bool products_apply(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  const bool recorded_value = at::GradMode::is_enabled() && value.requires_grad();
  return query.dim() == 4 && key.dim() == 4 && onednn_applies(query, key) && !recorded_value &&
         value.scalar_type() == query.scalar_type() && query.size(3) % 2 == 0 &&
         query.size(2) * key.size(2) >= kSmallestHead;
}

// Keys [T, K] in the order that bf16 products take their right side: [K / 2, T, 2].
at::Tensor paired(const at::Tensor& keys) {
  return keys.view({keys.size(0), -1, 2}).transpose(0, 1).contiguous();
}

// What all blocks of queries of one (batch row, head) share.
struct Head {
  at::Tensor query;   // [S, K], rows may be strided
  at::Tensor key;     // float: [T, K]; bf16: as `paired`
  at::Tensor value;   // [K, T]
  at::Tensor output;  // [S, K], rows strided
};

// Softmax of the scaled scores of queries [begin, begin + count), in the keys' type: [count, T].
at::Tensor weights_of(const Head& head, int64_t begin, int64_t count) {
  const int64_t K = head.query.size(1);
  const double scale = 1.0 / std::sqrt(static_cast<double>(K));
  const auto rows = head.query.narrow(0, begin, count);
  if (head.query.scalar_type() == at::kFloat) {
    const auto scores = onednn_linear(rows * scale, head.key, at::Tensor(), false);
    return at::softmax(scores, -1);
  }
  const int64_t T = head.value.size(1);
  const auto scores = at::empty({count, T}, rows.options().dtype(at::kFloat));
  at::native::cpublas::brgemm(
      count, T, K, rows.stride(0), T, T, /*add_C=*/false, rows.const_data_ptr<at::BFloat16>(),
      head.key.const_data_ptr<at::BFloat16>(), scores.mutable_data_ptr<float>());
  return at::softmax(scores.mul_(scale), -1).to(at::kBFloat16);
}

at::Tensor attention_by_products(const at::Tensor& query, const at::Tensor& key,
                                 const at::Tensor& value) {
  const int64_t n = query.size(0), H = query.size(1), S = query.size(2), K = query.size(3);
  const auto output = at::empty({n, S, H, K}, query.options());
  std::vector<Head> heads;
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t h = 0; h < H; ++h) {
      const auto keys = key[row][h].contiguous();
      heads.push_back({query[row][h], keys.scalar_type() == at::kFloat ? keys : paired(keys),
                       value[row][h].t().contiguous(), output[row].select(1, h)});
    }
  }
  const int64_t blocks = (S + kQueryRows - 1) / kQueryRows;
  at::parallel_for(0, n * H * blocks, 1, [&](int64_t first, int64_t last) {
    const at::NoGradGuard no_grad;
    for (int64_t task = first; task < last; ++task) {
      const auto& head = heads[task / blocks];
      const int64_t begin = task % blocks * kQueryRows;
      const int64_t count = std::min(kQueryRows, S - begin);
      head.output.narrow(0, begin, count)
          .copy_(onednn_linear(weights_of(head, begin, count), head.value, at::Tensor(), false));
    }
    if (query.scalar_type() == at::kBFloat16) {
      at::native::cpublas::brgemm_release();
    }
  });
  return output.transpose(1, 2);
}

}  // namespace

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  if (products_apply(query, key, value)) {
    return attention_by_products(query, key, value);
  }
  return at::scaled_dot_product_attention(query, key, value);
}

}  // namespace moca::ops
