#pragma once

#include <ATen/ATen.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

#include "moca/core/generator.h"
#include "src/ops/tiled_attention.h"

namespace moca::testing {

// A small plan with every kind of segment, and what its formula gives by plain tensor operations
// and autograd: each component attends to its own tokens, to the next component's, gated, and to
// the compressed tokens of the one after that, gated in its keys or its values by turns of the
// head.
class TiledCase {
 public:
  static constexpr int64_t kB = 2, kN = 3, kH = 2, kS = 5, kM = 3, kK = 4;

  struct Gradients {
    at::Tensor query, key, value, compressed_key, compressed_value;
    std::vector<double> key_gates, value_gates;
  };

  explicit TiledCase(at::ScalarType type) : type_(type) {
    query_ = draw({kB, kN, kH, kS, kK}), key_ = draw({kB, kN, kH, kS, kK});
    value_ = draw({kB, kN, kH, kS, kK}), compressed_key_ = draw({kB, kN, kH, kM, kK});
    compressed_value_ = draw({kB, kN, kH, kM, kK});
    plan_.num_components = kN;
    plan_.num_heads = kH;
    for (int64_t row = 0; row < kB * kN * kH; ++row) {
      const int64_t i = row / kH % kN;
      const double gate = 0.1 + 0.8 * static_cast<double>(row) / (kB * kN * kH);
      const bool of_keys = row % 2 == 0;
      const double key_gate = of_keys ? gate : 1.0, value_gate = of_keys ? 1.0 : gate;
      plan_.segments.push_back({{false, i},
                                {false, (i + 1) % kN, true, key_gate, value_gate},
                                {true, (i + 2) % kN, true, key_gate, value_gate}});
    }
  }

  at::Tensor draw(at::IntArrayRef sizes) const {
    return at::randn(sizes, generator_for(14, "tiled case", 0, drawn_++),
                     at::TensorOptions().dtype(at::kDouble))
        .to(type_);
  }

  ops::AttentionInput input() const {
    return {query_, {key_, value_}, {compressed_key_, compressed_value_}};
  }
  const ops::AttentionPlan& plan() const { return plan_; }

  at::Tensor expected_output() const { return formula(leaves()).output; }
  at::Tensor expected_log_sum_exp() const { return formula(leaves()).log_sum_exp; }

  Gradients expected_gradients(const at::Tensor& of_output) const {
    const auto all = leaves();
    const auto found =
        torch::autograd::grad({formula(all).output}, all, {of_output.to(at::kDouble)});
    const auto numbers = [](const at::Tensor& row) {
      return std::vector<double>(row.const_data_ptr<double>(),
                                 row.const_data_ptr<double>() + row.numel());
    };
    return {found[0], found[1], found[2], found[3], found[4], numbers(found[5]), numbers(found[6])};
  }

  // The gates of gated segments: the others' have no gradient.
  at::Tensor gated(const std::vector<double>& of_segments) const {
    std::vector<double> kept;
    size_t index = 0;
    for (const auto& segments : plan_.segments) {
      for (const auto& segment : segments) {
        if (segment.gated) {
          kept.push_back(of_segments[index]);
        }
        ++index;
      }
    }
    return at::tensor(kept, at::kDouble);
  }

 private:
  struct Formula {
    at::Tensor output, log_sum_exp;
  };

  // Inputs and gates in double, with gradients: query, key, value, compressed key and value, gates
  // of the keys and of the values of every segment.
  std::vector<at::Tensor> leaves() const {
    std::vector<double> key_gates, value_gates;
    for (const auto& segments : plan_.segments) {
      for (const auto& segment : segments) {
        key_gates.push_back(segment.key_gate);
        value_gates.push_back(segment.value_gate);
      }
    }
    std::vector<at::Tensor> all = {query_,
                                   key_,
                                   value_,
                                   compressed_key_,
                                   compressed_value_,
                                   at::tensor(key_gates, at::kDouble),
                                   at::tensor(value_gates, at::kDouble)};
    for (auto& tensor : all) {
      tensor = tensor.to(at::kDouble).detach().clone().requires_grad_();
    }
    return all;
  }

  Formula formula(const std::vector<at::Tensor>& all) const {
    std::vector<at::Tensor> outputs, sums;
    int64_t index = 0;
    for (int64_t row = 0; row < kB * kN * kH; ++row) {
      const int64_t h = row % kH, i = row / kH % kN, b = row / kH / kN;
      std::vector<at::Tensor> keys, values;
      for (const auto& segment : plan_.segments[row]) {
        const int first = segment.compressed ? 3 : 1;
        keys.push_back(all[first][b][segment.component][h] * all[5][index]);
        values.push_back(all[first + 1][b][segment.component][h] * all[6][index]);
        ++index;
      }
      const auto logits = at::matmul(all[0][b][i][h], at::cat(keys).t()) / std::sqrt(double{kK});
      outputs.push_back(at::matmul(logits.softmax(-1), at::cat(values)));
      sums.push_back(logits.logsumexp(-1));
    }
    return {at::stack(outputs).reshape({kB, kN, kH, kS, kK}),
            at::stack(sums).reshape({kB, kN, kH, kS})};
  }

  at::ScalarType type_;
  mutable uint64_t drawn_ = 0;
  at::Tensor query_, key_, value_, compressed_key_, compressed_value_;
  ops::AttentionPlan plan_;
};

}  // namespace moca::testing
