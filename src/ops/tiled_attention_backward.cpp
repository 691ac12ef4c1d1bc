#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "attention_tensors.h"
#include "tile_math.h"
#include "tile_products.h"
#include "tile_rows.h"
#include "tiled_attention.h"

namespace moca::ops {
namespace {

constexpr int64_t kHeldKeys = 64;         // keys of one block of scores
constexpr int64_t kPassingQueries = 576;  // queries of one block of scores at most

// What the backward pass needs of the queries of one (component, head).
template <typename T>
struct Queries {
  using Number = Accumulated<T>;
  std::vector<T> query_columns;        // right side [K, S]
  std::vector<T> query_rows;           // right side [S, K]
  std::vector<T> gradient_columns;     // of the output: right side [K, S]
  std::vector<T> gradient_rows;        // right side [S, K]
  std::vector<Number> mean_gradients;  // [S]: output . its gradient
  const Number* log_sum_exp;           // [S]
  std::vector<Number> result;          // [K, S]: the queries' gradient
};

// A segment of the plan, seen from its keys.
struct User {
  int64_t component;  // of the queries
  int64_t index;      // of the segment in the plan
  const Segment* segment;
};

template <typename T>
Queries<T> read_queries(const at::Tensor& query, const TiledOutput& output,
                        const at::Tensor& output_gradient, int64_t head) {
  using Number = Accumulated<T>;
  const int64_t S = query.size(3), K = query.size(4);
  const auto q = rows_of<const T>(query, head);
  const auto gradient = rows_of<const T>(output_gradient, head);
  const auto out = rows_of<const T>(output.output, head);
  Queries<T> queries;
  const auto pack = [&](const Rows<const T>& rows, std::vector<T>& columns,
                        std::vector<T>& as_rows) {
    columns.resize(K * spread_stride<T>(S));
    as_rows.resize(right_rows<T>(S) * K);
    pack_right(rows.data, K, S, int64_t{1}, rows.stride, columns.data(), spread_stride<T>(S));
    pack_right(rows.data, S, K, rows.stride, int64_t{1}, as_rows.data(), K);
  };
  pack(q, queries.query_columns, queries.query_rows);
  pack(gradient, queries.gradient_columns, queries.gradient_rows);
  queries.log_sum_exp = output.log_sum_exp.template const_data_ptr<Number>() + head * S;
  queries.mean_gradients.resize(S);
  for (int64_t s = 0; s < S; ++s) {
    Number sum = 0;
    for (int64_t c = 0; c < K; ++c) {
      sum += static_cast<Number>(out.data[s * out.stride + c]) *
             static_cast<Number>(gradient.data[s * gradient.stride + c]);
    }
    queries.mean_gradients[s] = sum;
  }
  queries.result.assign(K * spread_stride<Number>(S), 0);
  return queries;
}

// Some keys of one component and what is held while all its users pass by.
template <typename T>
struct KeyBlock {
  using Number = Accumulated<T>;
  int64_t rows;     // keys that fit
  int64_t columns;  // queries that fit
  int64_t count = 0;
  Rows<const T> key, value;
  std::vector<T> key_columns;           // left side [K, rows]
  std::vector<Number> products;         // [count, queries], then their gradients
  std::vector<Number> value_gradients;  // [count, queries], then the weights
  std::vector<T> rounded_gradients;     // of the products, where T is not Number
  std::vector<T> rounded_weights;
  std::vector<T> packed_gradients;   // rounded, as a right side
  std::vector<Number> key_result;    // [count, K]
  std::vector<Number> value_result;  // [count, K]

  KeyBlock(int64_t most_keys, int64_t most_queries, int64_t K)
      : rows(right_rows<T>(std::min(most_keys, kHeldKeys))),
        columns((std::min(most_queries, kPassingQueries) + 15) / 16 * 16),
        key_columns(K * rows),
        products(rows * columns),
        value_gradients(products.size()),
        rounded_gradients(kPaired<T> ? products.size() : 0),
        rounded_weights(rounded_gradients.size()),
        packed_gradients(rounded_gradients.size()),
        key_result(rows * K),
        value_result(rows * K) {}

  const T* gradients() const { return factors_of(products, rounded_gradients); }
  const T* weights() const { return factors_of(value_gradients, rounded_weights); }
};

template <typename T>
GateSums<Accumulated<T>> differentiate_block(const Queries<T>& queries, int64_t first,
                                             int64_t count, int64_t num_blind,
                                             Accumulated<T> key_factor, Accumulated<T> value_factor,
                                             KeyBlock<T>& keys) {
  using Number = Accumulated<T>;
  GateSums<Number> sums;
  for (int64_t row = 0; row < keys.count; ++row) {
    const int64_t begin = row * keys.columns;
    const KeyRow<Number> of_key{keys.products.data() + begin,
                                keys.value_gradients.data() + begin,
                                queries.log_sum_exp + first,
                                queries.mean_gradients.data() + first,
                                count,
                                key_factor,
                                value_factor};
    const auto found = differentiate_row(of_key);
    sums.key += found.key;
    sums.value += found.value;
    std::fill_n(of_key.products, num_blind, 0);
    std::fill_n(of_key.value_gradients, num_blind, 0);
    if constexpr (kPaired<T>) {
      const int64_t padded = right_rows<T>(count);
      if (padded > count) {
        keys.products[begin + count] = keys.value_gradients[begin + count] = 0;
      }
      round_row(of_key.products, padded, keys.rounded_gradients.data() + begin);
      round_row(of_key.value_gradients, padded, keys.rounded_weights.data() + begin);
    }
  }
  return sums;
}

// Queries [first, first + count) of one user pass by the block of keys: Eq. 6-8 differentiated,
// five products, all of them transposed (a row is a key), so that none waits for a transposition.
// The first `num_blind` of them do not see the keys.
template <typename T>
GateSums<Accumulated<T>> pass_by(Queries<T>& queries, int64_t first, int64_t count,
                                 int64_t num_blind, int64_t S, int64_t K, const Segment& segment,
                                 KeyBlock<T>& keys) {
  using Number = Accumulated<T>;
  const int64_t pair = kPaired<T> ? 2 : 1;
  const double scale = 1.0 / std::sqrt(static_cast<double>(K));
  product(keys.count, count, K, keys.key.data, keys.key.stride,
          queries.query_columns.data() + first * pair, spread_stride<T>(S), keys.products.data(),
          keys.columns, false);
  product(keys.count, count, K, keys.value.data, keys.value.stride,
          queries.gradient_columns.data() + first * pair, spread_stride<T>(S),
          keys.value_gradients.data(), keys.columns, false);
  const auto sums = differentiate_block(queries, first, count, num_blind,
                                        static_cast<Number>(scale * segment.key_gate),
                                        static_cast<Number>(segment.value_gate), keys);
  product(keys.count, K, right_rows<T>(count), keys.weights(), keys.columns,
          queries.gradient_rows.data() + first * K, K, keys.value_result.data(), K, true);
  product(keys.count, K, right_rows<T>(count), keys.gradients(), keys.columns,
          queries.query_rows.data() + first * K, K, keys.key_result.data(), K, true);
  const T* right = keys.gradients();
  if constexpr (kPaired<T>) {
    pack_right(right, keys.count, count, keys.columns, int64_t{1}, keys.packed_gradients.data(),
               keys.columns);
    right = keys.packed_gradients.data();
  }
  product(K, count, right_rows<T>(keys.count), keys.key_columns.data(), keys.rows, right,
          keys.columns, queries.result.data() + first, spread_stride<Number>(S), true);
  return sums;
}

template <typename T>
void begin_keys(const KeyValue& tokens, int64_t head, int64_t first, int64_t count, int64_t K,
                KeyBlock<T>& keys) {
  keys.count = count;
  keys.key = rows_of<const T>(tokens.key, head);
  keys.key.data += first * keys.key.stride;
  keys.value = rows_of<const T>(tokens.value, head);
  keys.value.data += first * keys.value.stride;
  std::fill(keys.key_columns.begin(), keys.key_columns.end(), T(0));
  for (int64_t row = 0; row < keys.count; ++row) {
    for (int64_t c = 0; c < K; ++c) {
      keys.key_columns[c * keys.rows + row] = keys.key.data[row * keys.key.stride + c];
    }
  }
  std::fill(keys.key_result.begin(), keys.key_result.end(), 0);
  std::fill(keys.value_result.begin(), keys.value_result.end(), 0);
}

template <typename T>
void write_rows(const std::vector<Accumulated<T>>& from, int64_t count, int64_t K, Rows<T> to,
                int64_t first) {
  for (int64_t row = 0; row < count; ++row) {
    for (int64_t c = 0; c < K; ++c) {
      to.data[(first + row) * to.stride + c] = static_cast<T>(from[row * K + c]);
    }
  }
}

// Everything of one (asset, head): no two of them write to the same place.
template <typename T>
struct HeadBackward {
  const AttentionInput& input;
  const AttentionPlan& plan;
  const std::vector<int64_t>& first_segment;  // of every (b, i, h) in the plan
  TiledGradients& gradients;
  KeyBlock<T>& keys;
  int64_t b, h;
  int64_t S = input.query.size(3), K = input.query.size(4);
  std::vector<Queries<T>> queries = {};

  void run(const TiledOutput& output, const at::Tensor& output_gradient) {
    for (int64_t i = 0; i < plan.num_components; ++i) {
      queries.push_back(read_queries<T>(input.query, output, output_gradient, query_head(i)));
    }
    differentiate(input.full, gradients.full, false);
    if (input.compressed.key.defined()) {
      differentiate(input.compressed, gradients.compressed, true);
    }
    for (int64_t i = 0; i < plan.num_components; ++i) {
      const auto rows = rows_of<T>(gradients.query, query_head(i));
      const auto& columns = queries[i].result;
      for (int64_t s = 0; s < S; ++s) {
        for (int64_t c = 0; c < K; ++c) {
          rows.data[s * rows.stride + c] =
              static_cast<T>(columns[c * spread_stride<Accumulated<T>>(S) + s]);
        }
      }
    }
  }

  int64_t query_head(int64_t i) const { return (b * plan.num_components + i) * plan.num_heads + h; }

  std::vector<std::vector<User>> users(int64_t num_components, bool compressed) const {
    std::vector<std::vector<User>> found(num_components);
    for (int64_t i = 0; i < plan.num_components; ++i) {
      int64_t index = first_segment[query_head(i)];
      for (const auto& segment : plan.segments[query_head(i)]) {
        if (segment.compressed == compressed) {
          found[segment.component].push_back({i, index, &segment});
        }
        ++index;
      }
    }
    return found;
  }

  void differentiate(const KeyValue& tokens, KeyValue& gradient, bool compressed) {
    const int64_t N = tokens.key.size(1), T_count = tokens.key.size(3);
    const auto users_of = users(N, compressed);
    for (int64_t j = 0; j < N; ++j) {
      const int64_t head = (b * N + j) * plan.num_heads + h;
      for (int64_t first = 0; first < T_count; first += keys.count) {
        const auto [first_query, end] = seen_by(first, T_count);
        begin_keys(tokens, head, first, std::min(kHeldKeys, end - first), K, keys);
        for (const auto& user : users_of[j]) {
          pass_by_all(user, first_query);
        }
        write_rows(keys.key_result, keys.count, K, rows_of<T>(gradient.key, head), first);
        write_rows(keys.value_result, keys.count, K, rows_of<T>(gradient.value, head), first);
      }
    }
  }

  // The first query that sees key `first` of T keys, and the end of the keys that are seen by the
  // same queries.
  std::pair<int64_t, int64_t> seen_by(int64_t first, int64_t T_count) const {
    int64_t begin = 0;
    for (const int64_t end : plan.ends) {
      if (first < end) {
        return {begin, end};
      }
      begin = end;
    }
    return {0, T_count};
  }

  void pass_by_all(const User& user, int64_t first_query) {
    int64_t num_blind = first_query % right_rows<T>(1);  // rows of bf16 lie in pairs
    const int64_t begin = first_query - num_blind;
    const int64_t size = piece_size(S - begin, kPassingQueries);
    for (int64_t first = begin; first < S; first += size) {
      const auto sums = pass_by(queries[user.component], first, std::min(size, S - first),
                                std::exchange(num_blind, 0), S, K, *user.segment, keys);
      gradients.key_gates[user.index] +=
          static_cast<double>(sums.key) / std::sqrt(static_cast<double>(K));
      gradients.value_gates[user.index] += static_cast<double>(sums.value);
    }
  }
};

template <typename T>
void differentiate(const AttentionInput& input, const AttentionPlan& plan,
                   const TiledOutput& output, const at::Tensor& output_gradient,
                   TiledGradients& gradients) {
  std::vector<int64_t> first_segment = {0};
  for (const auto& segments : plan.segments) {
    first_segment.push_back(first_segment.back() + static_cast<int64_t>(segments.size()));
  }
  gradients.key_gates.assign(first_segment.back(), 0.0);
  gradients.value_gates.assign(first_segment.back(), 0.0);
  const int64_t B = input.query.size(0), H = plan.num_heads;
  const int64_t most_keys = std::max(
      input.full.key.size(3), input.compressed.key.defined() ? input.compressed.key.size(3) : 0);
  at::parallel_for(0, B * H, 1, [&](int64_t begin, int64_t end) {
    KeyBlock<T> keys(most_keys, input.query.size(3), input.query.size(4));
    for (int64_t task = begin; task < end; ++task) {
      HeadBackward<T>{input, plan, first_segment, gradients, keys, task / H, task % H}.run(
          output, output_gradient);
    }
    if constexpr (kPaired<T>) {
      at::native::cpublas::brgemm_release();
    }
  });
}

}  // namespace

TiledGradients tiled_attention_backward(const AttentionInput& input, const AttentionPlan& plan,
                                        const TiledOutput& output,
                                        const at::Tensor& output_gradient) {
  TiledGradients gradients{input.transformed(like_tokens), {}, {}};
  with_number(input.query.scalar_type(), [&](auto number) {
    differentiate<decltype(number)>(input, plan, output, output_gradient, gradients);
  });
  return gradients;
}

}  // namespace moca::ops
