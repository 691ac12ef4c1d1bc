#pragma once

// Floating point operations of matrix products, two for a multiply and an add. The field counts
// nothing else (PaLM, appendix B), and twice the forward pass again for the backward pass.
namespace moca::nn {

constexpr double linear_flops(double rows, double width_in, double width_out) {
  return 2.0 * rows * width_in * width_out;
}

// Scores and weighted sum of values, all heads together.
constexpr double attention_flops(double queries, double keys, double width) {
  return 4.0 * queries * keys * width;
}

// nn::FeedForward.
constexpr double feed_forward_flops(double rows, double width) {
  return 2.0 * linear_flops(rows, width, width * 4.0);
}

constexpr double kForwardAndBackward = 3.0;  // times the forward pass

}  // namespace moca::nn
