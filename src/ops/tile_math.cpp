#include "tile_math.h"

#include <bit>
#include <cmath>

// The loader chooses between the clones before ThreadSanitizer is ready for it.
#ifdef __SANITIZE_THREAD__
#define MOCA_CLONES
#else
#define MOCA_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

namespace moca::ops {
namespace {

// exp(x) for x <= 88, within two units in the last place; below -87.3 the smallest normal number.
// Range reduction to |r| <= ln(2) / 2 and Cephes' polynomial (expf.c).
inline __attribute__((always_inline)) float exponential(float x) {
  const float bounded = x < -87.3F ? -87.3F : x;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves a whole number in the bits
  const float shifted = bounded * 1.44269504088896341F + kRound;
  const float n = shifted - kRound;
  const float r = (bounded - n * 0.693359375F) + n * 2.12194440e-4F;  // ln(2) in two parts
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  const int32_t exponent = (std::bit_cast<int32_t>(shifted) + 127) << 23;  // the bits of 2^n
  return p * std::bit_cast<float>(exponent);
}

inline __attribute__((always_inline)) uint16_t rounded(float number) {
  const auto bits = std::bit_cast<uint32_t>(number);
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

inline __attribute__((always_inline)) float number_of(float number) { return number; }
inline __attribute__((always_inline)) float number_of(c10::BFloat16 number) {
  return std::bit_cast<float>(static_cast<uint32_t>(number.x) << 16);
}
inline __attribute__((always_inline)) void put(float number, float& to) { to = number; }
inline __attribute__((always_inline)) void put(float number, c10::BFloat16& to) {
  to.x = rounded(number);
}

template <typename T>
inline __attribute__((always_inline)) void normalise(const T* from, const float* weights,
                                                     int64_t count, float epsilon, T* to) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < count; ++c) {
    const float number = number_of(from[c]);
    sum += number * number;
  }
  const float factor = 1 / std::sqrt(sum / static_cast<float>(count) + epsilon);
#pragma omp simd
  for (int64_t c = 0; c < count; ++c) {
    put(number_of(from[c]) * factor * weights[c], to[c]);
  }
}

inline __attribute__((always_inline)) double exponential(double x) { return std::exp(x); }

template <typename Number>
inline __attribute__((always_inline)) Number scale(Number* scores, const Number* key_factors,
                                                   int64_t count, Number maximum) {
#pragma omp simd reduction(max : maximum)
  for (int64_t c = 0; c < count; ++c) {
    const Number score = scores[c] * key_factors[c];
    scores[c] = score;
    maximum = score > maximum ? score : maximum;
  }
  return maximum;
}

template <typename Number>
inline __attribute__((always_inline)) Number weigh(Number* scores, const Number* value_factors,
                                                   int64_t count, Number maximum) {
  Number sum = 0;
  if (value_factors == nullptr) {
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < count; ++c) {
      const Number weight = exponential(scores[c] - maximum);
      sum += weight;
      scores[c] = weight;
    }
    return sum;
  }
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < count; ++c) {
    const Number weight = exponential(scores[c] - maximum);
    sum += weight;
    scores[c] = weight * value_factors[c];
  }
  return sum;
}

template <typename Number>
inline __attribute__((always_inline)) GateSums<Number> differentiate(const KeyRow<Number>& row) {
  Number* const products = row.products;
  Number* const values = row.value_gradients;
  const Number* const log_sum_exp = row.log_sum_exp;
  const Number* const mean_gradients = row.mean_gradients;
  const Number key_factor = row.key_factor, value_factor = row.value_factor;
  Number key_sum = 0;
  Number value_sum = 0;
#pragma omp simd reduction(+ : key_sum, value_sum)
  for (int64_t c = 0; c < row.count; ++c) {
    const Number weight = exponential(products[c] * key_factor - log_sum_exp[c]);
    const Number gradient = weight * (values[c] * value_factor - mean_gradients[c]);
    key_sum += products[c] * gradient;
    value_sum += values[c] * weight;
    values[c] = weight * value_factor;
    products[c] = gradient * key_factor;
  }
  return {key_sum, value_sum};
}

}  // namespace

MOCA_CLONES float scale_row(float* scores, const float* key_factors, int64_t count, float maximum) {
  return scale(scores, key_factors, count, maximum);
}

double scale_row(double* scores, const double* key_factors, int64_t count, double maximum) {
  return scale(scores, key_factors, count, maximum);
}

MOCA_CLONES float weigh_row(float* scores, const float* value_factors, int64_t count,
                            float maximum) {
  return weigh(scores, value_factors, count, maximum);
}

double weigh_row(double* scores, const double* value_factors, int64_t count, double maximum) {
  return weigh(scores, value_factors, count, maximum);
}

MOCA_CLONES void round_row(const float* from, int64_t count, c10::BFloat16* to) {
  auto* const out = reinterpret_cast<uint16_t*>(to);
#pragma omp simd
  for (int64_t c = 0; c < count; ++c) {
    out[c] = rounded(from[c]);
  }
}

MOCA_CLONES void normalise_row(const float* from, const float* weights, int64_t count,
                               float epsilon, float* to) {
  normalise(from, weights, count, epsilon, to);
}

MOCA_CLONES void normalise_row(const c10::BFloat16* from, const float* weights, int64_t count,
                               float epsilon, c10::BFloat16* to) {
  normalise(from, weights, count, epsilon, to);
}

MOCA_CLONES GateSums<float> differentiate_row(const KeyRow<float>& row) {
  return differentiate(row);
}

GateSums<double> differentiate_row(const KeyRow<double>& row) { return differentiate(row); }

}  // namespace moca::ops
