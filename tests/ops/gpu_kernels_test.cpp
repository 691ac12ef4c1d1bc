#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "moca/core/generator.h"
#include "moca/ops/device.h"
#include "moca/ops/farthest_point_sampling.h"
#include "moca/ops/moc_attention.h"
#include "src/ops/library_attention.h"
#include "src/ops/packed_context.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

// Our kernels beside the same work on the CPU, and LibTorch's kernels beside doubles.
namespace moca::ops::gpu_kernels_test {
namespace {

using testing::all_close;
using testing::bit_equal;
using testing::on_device;

class OnAGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::device().is_cpu()) {
      GTEST_SKIP() << "MOCA_TEST_DEVICE names no GPU";
    }
  }
};

at::Tensor draw(at::IntArrayRef sizes, uint64_t index, at::ScalarType type = at::kFloat) {
  return at::randn(sizes, generator_for(6, "gpu kernels", 0, index), at::TensorOptions()).to(type);
}

// Heads of a token side by side, as projections give them.
at::Tensor draw_heads(int64_t N, int64_t S, int64_t K, uint64_t index, at::ScalarType type) {
  return draw({2, N, S, 3, K}, index, type).transpose(2, 3);
}

Routing moved(const Routing& routing) {
  return {on_device(routing.importance), on_device(routing.selected), on_device(routing.rest)};
}

struct PackingSizes {
  int64_t N, num_selected, L, M, K;
};

void expect_packing_as_on_the_cpu(const PackingSizes& s, at::ScalarType type) {
  SCOPED_TRACE(std::string(c10::toString(type)) + ", N = " + std::to_string(s.N) +
               ", K = " + std::to_string(s.K));
  const double rounding = type == at::kDouble     ? 1e-14
                          : type == at::kFloat    ? 1e-6
                          : type == at::kBFloat16 ? 1.0 / 128
                                                  : 1.0 / 1024;
  const auto full = draw_heads(s.N, s.L, s.K, 0, type);
  const auto compressed = draw_heads(s.N, s.M, s.K, 1, type);
  const auto routing = route(draw({2, s.N, 3, s.K}, 2), draw({2, s.N, 3, s.K}, 3),
                             {s.num_selected, RouterActivation::kSigmoid, false}, std::nullopt);
  ContextLayout layout;
  layout.N = static_cast<int32_t>(s.N);
  layout.H = 3;
  layout.L = static_cast<int32_t>(s.L);
  layout.M = static_cast<int32_t>(s.M);
  layout.K = static_cast<int32_t>(s.K);
  layout.num_selected = static_cast<int32_t>(routing.selected.size(3));
  const PackedContext here(layout, routing, type), there(layout, moved(routing), type);
  for (const auto& chunk : {HeadChunk{0, 3}, HeadChunk{1, 2}}) {
    for (const bool gated : {true, false}) {
      const auto packed = here.pack(full, compressed, chunk, gated);
      EXPECT_TRUE(
          bit_equal(there.pack(on_device(full), on_device(compressed), chunk, gated), packed));
      const auto gradient = draw(packed.sizes(), 4, type);
      const auto unpacked = [&](const PackedContext& context, const at::Tensor& of_packed) {
        const auto device = of_packed.device();
        auto of_full = at::zeros_like(full.to(device));
        auto of_compressed = at::zeros_like(compressed.to(device));
        context.unpack(of_packed, chunk, gated, of_full, of_compressed);
        return std::pair(of_full, of_compressed);
      };
      const auto expected = unpacked(here, gradient), found = unpacked(there, on_device(gradient));
      EXPECT_TRUE(all_close(found.first, expected.first, rounding));
      EXPECT_TRUE(all_close(found.second, expected.second, rounding));
      const auto gates = [&](const PackedContext& context, const at::Tensor& of_packed) {
        const auto device = of_packed.device();
        const auto gate_type = type == at::kDouble ? at::kDouble : at::kFloat;
        auto result = at::zeros(routing.importance.sizes(),
                                at::TensorOptions().dtype(gate_type).device(device));
        context.gate_gradient(of_packed, full.to(device), compressed.to(device), chunk, result);
        return result;
      };
      EXPECT_TRUE(all_close(gates(there, on_device(gradient)), gates(here, gradient),
                            type == at::kDouble ? 1e-13 : 1e-5));
    }
  }
}

TEST_F(OnAGpu, PackingIsThatOfTheCpu) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf}) {
    expect_packing_as_on_the_cpu({5, 2, 17, 3, 64}, type);
    expect_packing_as_on_the_cpu({5, 2, 17, 3, 6}, type);  // not on 16 bytes
    expect_packing_as_on_the_cpu({2, 4, 33, 2, 128}, type);
    expect_packing_as_on_the_cpu({64, 4, 9, 5, 64}, type);
  }
}

// Keys that are the anchors' products exactly, so that both devices rank the same numbers.
Routing select(const at::Tensor& keys, int64_t num_selected) {
  const auto [N, H] = std::pair(keys.size(0), int64_t{2});
  const auto anchor_key = keys.view({1, N, 1, 1}).expand({2, N, H, 1});
  return route(at::ones_like(anchor_key), anchor_key,
               {num_selected, RouterActivation::kSigmoid, false}, std::nullopt);
}

// Up to this N also all others are selected; the CPU's search is quadratic in it.
constexpr int64_t kAll = 33;

TEST_F(OnAGpu, RoutingSelectsWhatTheCpuSelectsAlsoOfEqualsAndOfNoNumbers) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const int64_t N : {1, 2, 8, 31, 32, 33, 64, 1024}) {
    auto distinct = draw({N}, 7), equal = at::round(draw({N}, 8)), none = at::full({N}, kNan);
    auto few = distinct.clone();
    few[N / 2] = kNan;
    few[0] = -kInfinity;
    few[N - 1] = kInfinity;
    for (const auto& keys : {distinct, equal, few, none, at::full({N}, -kInfinity)}) {
      for (const int64_t num_selected :
           {int64_t{0}, int64_t{1}, int64_t{4}, std::min(N, kAll) - 1}) {
        const auto expected = select(keys, num_selected);
        const auto found = select(on_device(keys), num_selected);
        EXPECT_TRUE(bit_equal(found.selected, expected.selected)) << N << ", " << num_selected;
        EXPECT_TRUE(bit_equal(found.rest, expected.rest)) << N << ", " << num_selected;
      }
    }
  }
}

TEST_F(OnAGpu, FarthestPointSamplingChoosesTheSamePoints) {
  for (const auto& [P, count] : {std::pair<int64_t, int64_t>(5, 5), {511, 100}, {20480, 512}}) {
    const auto points = at::rand({3, P, 3}, generator_for(6, "points", P), at::TensorOptions());
    EXPECT_TRUE(bit_equal(farthest_point_sampling(on_device(points), count),
                          farthest_point_sampling(points, count)));
    const auto lattice = at::round(points * 8.0);  // many points in one place, many equally far
    EXPECT_TRUE(bit_equal(farthest_point_sampling(on_device(lattice), count),
                          farthest_point_sampling(lattice, count)));
    for (const double value :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      auto broken = points.clone();
      broken[0][P / 2][1] = value;
      broken[1][0] = value;
      broken[2].fill_(value);
      EXPECT_TRUE(bit_equal(farthest_point_sampling(on_device(broken), count),
                            farthest_point_sampling(broken, count)));
    }
  }
}

// Refuses by this message before it allocates.
template <class Work>
void expect_named(const std::string& message, const Work& work) {
  take_peak_gpu_memory_gib(testing::device());
  const double before = take_peak_gpu_memory_gib(testing::device());
  EXPECT_THAT(work, ::testing::ThrowsMessage<c10::Error>(::testing::HasSubstr(message)));
  EXPECT_EQ(take_peak_gpu_memory_gib(testing::device()), before) << message;
}

TEST_F(OnAGpu, TensorsOfTwoDevicesAreNamedBeforeAnythingIsAllocated) {
  const std::string there = " is on cpu, ", here = " on " + testing::device().str() + ": ";
  const auto heads = [](int64_t S) { return on_device(draw({2, 5, 3, S, 8}, 20)); };
  const auto anchors = draw({2, 5, 3, 8}, 21);
  const RoutingOptions options{2, RouterActivation::kSigmoid, false};
  const auto routing = route(on_device(anchors), on_device(anchors), options, std::nullopt);
  const char* const names[] = {
      "key", "value", "compressed_key", "compressed_value", "importance", "selected", "rest"};
  for (const bool autocast : {false, true}) {
    at::autocast::set_autocast_enabled(testing::device().type(), autocast);
    for (size_t moved = 0; moved < std::size(names); ++moved) {
      std::vector<at::Tensor> all = {heads(4),           heads(4),         heads(2),    heads(2),
                                     routing.importance, routing.selected, routing.rest};
      const auto query = heads(4);
      all[moved] = all[moved].cpu();
      MocPlan plan;
      plan.routing = {all[4], all[5], all[6]};
      expect_named(names[moved] + there + "query" + here,
                   [&] { moc_attention(query, all[0], all[1], all[2], all[3], plan); });
    }
    const auto query = on_device(anchors);
    expect_named("anchor_key" + there + "anchor_query" + here,
                 [&] { route(query, anchors, options, std::nullopt); });
  }
  at::autocast::set_autocast_enabled(testing::device().type(), false);
}

// Allows LibTorch one of its attention kernels as long as it lives.
class Only {
 public:
  explicit Only(LibraryKernel kernel) {
    auto& context = at::globalContext();
    context.setSDPUseFlash(kernel == LibraryKernel::kFlash);
    context.setSDPUseMemEfficient(kernel == LibraryKernel::kEfficient);
    context.setSDPUseCuDNN(kernel == LibraryKernel::kCudnn);
  }
  ~Only() {
    auto& context = at::globalContext();
    context.setSDPUseFlash(true);
    context.setSDPUseMemEfficient(true);
    context.setSDPUseCuDNN(true);
  }
};

struct AttentionCase {
  int64_t S, T, K;
  bool expanded;  // one row of queries, repeated
};

// The largest error of output and gradients over their largest number, in `type` with one kernel.
std::vector<double> errors_of(const AttentionCase& c, at::ScalarType type, LibraryKernel kernel,
                              LibraryKernel* used) {
  auto query = draw({2, c.expanded ? 1 : c.S, 3, c.K}, 10, type).transpose(1, 2);
  query = c.expanded ? query.expand({-1, -1, c.S, -1}) : query;
  const auto key = draw({2, 3, c.T, c.K}, 11, type), value = draw({2, 3, c.T, c.K}, 12, type);
  const auto gradient = draw({2, 3, c.S, c.K}, 13, type);
  const auto exactly = [](const at::Tensor& t) { return t.to(at::kDouble).requires_grad_(); };
  const auto q = exactly(query), k = exactly(key), v = exactly(value);
  const auto output = at::scaled_dot_product_attention(q, k, v);
  const auto gradients = torch::autograd::grad({output}, {q, k, v}, {gradient.to(at::kDouble)});
  const torch::NoGradGuard no_grad;
  const Only only(kernel);
  const auto forward = library_attention(on_device(query), on_device(key), on_device(value));
  *used = forward.kernel;
  const auto of = library_attention_backward(on_device(gradient), on_device(query), on_device(key),
                                             on_device(value), forward);
  const auto error = [](const at::Tensor& found, const at::Tensor& expected) {
    const auto difference = (found.cpu().to(at::kDouble) - expected.detach()).abs().max();
    return (difference / expected.detach().abs().max()).item<double>();
  };
  return {error(forward.output, output), error(of.query, gradients[0]), error(of.key, gradients[1]),
          error(of.value, gradients[2])};
}

TEST_F(OnAGpu, EveryAttentionKernelOfLibTorchIsAsExactAsItsType) {
  const std::vector<std::pair<LibraryKernel, std::string>> kernels = {
      {LibraryKernel::kCudnn, "cuDNN"},
      {LibraryKernel::kFlash, "flash"},
      {LibraryKernel::kEfficient, "memory-efficient"},
      {LibraryKernel::kPlain, "plain"}};
  for (const auto& [kernel, name] : kernels) {
    for (const auto type : {at::kBFloat16, at::kHalf, at::kFloat}) {
      const double allowed = type == at::kFloat ? 1e-5 : type == at::kHalf ? 5e-3 : 4e-2;
      for (const auto& c : {AttentionCase{513, 577, 64, false},
                            AttentionCase{513, 1026, 128, false}, AttentionCase{1, 257, 64, false},
                            AttentionCase{96, 130, 64, true}, AttentionCase{70, 33, 12, false}}) {
        LibraryKernel used{};
        const auto errors = errors_of(c, type, kernel, &used);
        for (size_t i = 0; i < errors.size(); ++i) {
          EXPECT_LE(errors[i], allowed)
              << name << (used == kernel ? "" : " (another was chosen)") << ", "
              << c10::toString(type) << ", S = " << c.S << ", K = " << c.K << ", result " << i;
        }
        if (type == at::kBFloat16) {
          EXPECT_EQ(used, c.K % 8 == 0 ? kernel : LibraryKernel::kPlain)
              << name << ", S = " << c.S << ", K = " << c.K;
        }
      }
    }
  }
}

}  // namespace
}  // namespace moca::ops::gpu_kernels_test
