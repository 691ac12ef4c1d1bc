#include "src/ops/packed_context.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <vector>

#include "moca/core/generator.h"
#include "moca/ops/moc_attention.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

// The CPU runs of what the CUDA kernels do: packed_context.cuh is the same code for both.
namespace moca::ops::packed_context_test {
namespace {

using testing::all_close;
using testing::bit_equal;

constexpr int64_t kB = 2, kH = 3;

struct Case {
  at::Tensor full, compressed;  // [B, N, H, L, K], [B, N, H, M, K]
  Routing routing;
  ContextLayout layout;
};

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return testing::on_device(at::randn(sizes, generator_for(4, "packed context", 0, index),
                                      at::TensorOptions().dtype(at::kDouble)));
}

// Heads of a token side by side, as projections give them.
Case make_case(int64_t N, int64_t num_selected, int64_t L = 5, int64_t M = 3, int64_t K = 4) {
  Case c;
  c.full = draw({kB, N, L, kH, K}, 0).transpose(2, 3);
  c.compressed = draw({kB, N, M, kH, K}, 1).transpose(2, 3);
  c.routing = route(draw({kB, N, kH, K}, 2), draw({kB, N, kH, K}, 3),
                    {num_selected, RouterActivation::kSigmoid, false}, std::nullopt);
  c.layout.N = static_cast<int32_t>(N);
  c.layout.H = kH;
  c.layout.L = static_cast<int32_t>(L);
  c.layout.M = static_cast<int32_t>(M);
  c.layout.K = static_cast<int32_t>(K);
  c.layout.num_selected = static_cast<int32_t>(c.routing.selected.size(3));
  return c;
}

const std::vector<HeadChunk> kChunks = {{0, 3}, {1, 2}, {2, 1}};

TEST(PackedContext, HoldsTheComponentsOwnTokensThenTheSelectedThenTheRestGated) {
  const auto c = make_case(5, 2);
  const PackedContext context(c.layout, c.routing, at::kDouble);
  for (const auto& chunk : kChunks) {
    const auto packed = context.pack(c.full, c.compressed, chunk, true);
    for (int64_t row = 0; row < kB * 5 * chunk.num_heads; ++row) {
      const int64_t b = row / chunk.num_heads / 5, i = row / chunk.num_heads % 5;
      const int64_t h = chunk.first_head + row % chunk.num_heads;
      std::vector<at::Tensor> expected = {c.full[b][i][h]};
      for (int64_t s = 0; s < 2; ++s) {
        const int64_t j = c.routing.selected[b][i][h][s].item<int64_t>();
        expected.push_back(c.full[b][j][h] * c.routing.importance[b][i][h][j]);
      }
      for (int64_t s = 0; s < 2; ++s) {
        const int64_t j = c.routing.rest[b][i][h][s].item<int64_t>();
        expected.push_back(c.compressed[b][j][h] * c.routing.importance[b][i][h][j]);
      }
      EXPECT_TRUE(bit_equal(packed[b * 5 + i][row % chunk.num_heads], at::cat(expected)));
    }
  }
}

TEST(PackedContext, FindsThePlaceOfEverySlot) {
  const auto layout = make_case(6, 2, 7, 3).layout;
  int32_t slot = 0;
  for (int32_t place = 0; place < layout.N; ++place) {
    for (int32_t token = 0; token < layout.num_tokens(place); ++token, ++slot) {
      EXPECT_EQ(layout.place_of(slot), place);
      EXPECT_EQ(slot - layout.first_slot(place), token);
    }
  }
  EXPECT_EQ(slot, layout.length());
}

// <pack(tokens), y> = <tokens, unpack(y)>, and the same of the gates: any wrong index breaks it.
void expect_adjoint(const Case& c, bool gated) {
  const PackedContext context(c.layout, c.routing, at::kDouble);
  const auto compressed = c.layout.M > 0 ? c.compressed : at::Tensor();
  for (const auto& chunk : kChunks) {
    const auto packed = context.pack(c.full, compressed, chunk, gated);
    const auto y = draw(packed.sizes(), 9);
    const auto full_gradient = at::zeros_like(c.full);
    const auto compressed_gradient = c.layout.M > 0 ? at::zeros_like(compressed) : at::Tensor();
    context.unpack(y, chunk, gated, full_gradient, compressed_gradient);
    auto paired = (c.full * full_gradient).sum();
    if (c.layout.M > 0) {
      paired = paired + (compressed * compressed_gradient).sum();
    }
    EXPECT_TRUE(all_close((packed * y).sum(), paired, 1e-12));
    if (!gated) {
      continue;
    }
    const auto gate_gradient = at::zeros(c.routing.importance.sizes(), c.full.options());
    context.gate_gradient(y, c.full, compressed, chunk, gate_gradient);
    // Packed tokens are linear in the gates, except for the component's own.
    const auto own = packed.narrow(2, 0, c.layout.L) * y.narrow(2, 0, c.layout.L);
    EXPECT_TRUE(all_close((packed * y).sum() - own.sum(),
                          (c.routing.importance * gate_gradient).sum(), 1e-12));
  }
}

TEST(PackedContext, IsUnpackedByItsAdjoint) {
  for (const int64_t N : {2, 3, 4, 8, 33}) {
    for (const int64_t num_selected : {0, 2}) {
      for (const bool gated : {true, false}) {
        expect_adjoint(make_case(N, num_selected), gated);
        expect_adjoint(make_case(N, num_selected, 3, 2, 6), gated);  // not on 16 bytes
        auto nothing_compressed = make_case(N, num_selected);
        nothing_compressed.layout.M = 0;
        expect_adjoint(nothing_compressed, gated);
      }
    }
  }
}

}  // namespace
}  // namespace moca::ops::packed_context_test
