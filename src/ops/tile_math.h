#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

// The passes over a block of scores between two matrix products. Each is compiled for several
// instruction sets, and the processor's own is taken at run time.
namespace moca::ops {

// One row of an online softmax: products with `count` keys are multiplied by the keys' factors, in
// place. Returns the largest, or `maximum` where none is larger ...
float scale_row(float* scores, const float* key_factors, int64_t count, float maximum);
double scale_row(double* scores, const double* key_factors, int64_t count, double maximum);
// ... then turned into weights, exponentials times the values' factors (null: all are 1). Returns
// the exponentials' sum.
float weigh_row(float* scores, const float* value_factors, int64_t count, float maximum);
double weigh_row(double* scores, const double* value_factors, int64_t count, double maximum);

// To the nearest bf16, ties to even. A pass of its own: the exponentials beside 16-bit numbers take
// longer than both passes.
void round_row(const float* from, int64_t count, c10::BFloat16* to);

// A row over its root mean square (with epsilon added to the mean), times weights; in float.
void normalise_row(const float* from, const float* weights, int64_t count, float epsilon,
                   float* to);
void normalise_row(const c10::BFloat16* from, const float* weights, int64_t count, float epsilon,
                   c10::BFloat16* to);

// One row of the backward pass: the products of one key with `count` queries, whose log-sum-exp and
// mean gradient (the dot product of output and its gradient) are given.
template <typename Number>
struct KeyRow {
  Number* products;              // key . query; becomes the gradients of the products
  Number* value_gradients;       // value . gradient of the output; becomes the weights
  const Number* log_sum_exp;     // of each query
  const Number* mean_gradients;  // of each query
  int64_t count;
  Number key_factor;
  Number value_factor;
};

// Sums of a row that the gradients of the gates are made of.
template <typename Number>
struct GateSums {
  Number key = 0;    // products . score gradients
  Number value = 0;  // weights . value gradients
};

// In place; the weights are multiplied by the value factor, the gradients by the key factor.
GateSums<float> differentiate_row(const KeyRow<float>& row);
GateSums<double> differentiate_row(const KeyRow<double>& row);

}  // namespace moca::ops
