#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

// The passes over a block of scores between two matrix products. Each is compiled for several
// instruction sets, and the processor's own is taken at run time.
namespace moca::ops {

// Consecutive columns of a block of scores: the keys of one component.
template <typename Number>
struct Columns {
  int64_t first = 0;
  int64_t count = 0;
  Number key_factor = 1;    // what their products with the queries are multiplied by
  Number value_factor = 1;  // what their values are multiplied by
};

// One row of an online softmax, in place: products are multiplied by their key factors and
// `maximum` raised to their largest ...
void scale_row(float* scores, const Columns<float>& columns, float* maximum);
void scale_row(double* scores, const Columns<double>& columns, double* maximum);
// ... then turned into weights, exponentials times value factors. Returns the exponentials' sum.
float weigh_row(float* scores, const Columns<float>& columns, float maximum);
double weigh_row(double* scores, const Columns<double>& columns, double maximum);

// To the nearest bf16, ties to even.
void round_row(const float* from, int64_t count, c10::BFloat16* to);

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
