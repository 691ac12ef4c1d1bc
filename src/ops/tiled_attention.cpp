#include "tiled_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "onednn.h"
#include "tile_math.h"
#include "tile_products.h"
#include "tile_rows.h"

namespace moca::ops {
namespace {

constexpr int64_t kQueryRows = 144;  // queries whose scores are held at a time, at most
constexpr int64_t kChunkKeys = 576;  // keys of one block of scores at most: 512 tokens and a few

// Some consecutive packed keys, of one component or several.
template <typename T>
struct Piece {
  const T* key;    // right side [K, .] of the scores
  const T* value;  // right side [., K] of the output
  int64_t first;   // column in the chunk's scores
  int64_t count;
};

// Keys whose scores fit in one block.
template <typename T>
struct Chunk {
  std::vector<Piece<T>> pieces;  // what is multiplied at once
  // Of every column: what its products with the queries and its values are multiplied by.
  std::vector<Accumulated<T>> key_factors, value_factors;
  bool values_gated = false;   // not all value factors are 1
  std::vector<int64_t> holes;  // columns without a key
  int64_t key_stride = 0;      // of all pieces

  int64_t num_columns() const { return static_cast<int64_t>(key_factors.size()); }
};

// Keys and values of one set of tokens as right sides of products, for every (b, h) the tokens of
// all components side by side.
template <typename T>
class PackedTokens {
 public:
  PackedTokens(const KeyValue& tokens, int64_t K) : K_(K) {
    if (!tokens.key.defined()) {
      return;
    }
    const int64_t B = tokens.key.size(0);
    N_ = tokens.key.size(1), H_ = tokens.key.size(2), count_ = tokens.key.size(3);
    padded_ = right_rows<T>(count_);
    stride_ = spread_stride<T>(N_ * padded_);
    keys_ = at::empty({B * H_, K, stride_}, tokens.key.options());
    values_ = at::empty({B * H_, N_ * padded_, K}, tokens.key.options());
    at::parallel_for(0, B * N_ * H_, 1, [&](int64_t begin, int64_t end) {
      for (int64_t head = begin; head < end; ++head) {
        const int64_t h = head % H_, j = head / H_ % N_, b = head / H_ / N_;
        const auto key = rows_of<const T>(tokens.key, head);
        const auto value = rows_of<const T>(tokens.value, head);
        pack_right(key.data, K, count_, int64_t{1}, key.stride, this->key(b, j, h, 0), stride_);
        pack_right(value.data, count_, K, value.stride, int64_t{1}, this->value(b, j, h, 0), K);
      }
    });
  }

  int64_t count() const { return count_; }
  int64_t key_stride() const { return stride_; }
  // From token `first`, an even one.
  T* key(int64_t b, int64_t j, int64_t h, int64_t first) const {
    return keys_.mutable_data_ptr<T>() + (b * H_ + h) * K_ * stride_ +
           (j * padded_ + first) * (kPaired<T> ? 2 : 1);
  }
  T* value(int64_t b, int64_t j, int64_t h, int64_t first) const {
    return values_.mutable_data_ptr<T>() + ((b * H_ + h) * N_ * padded_ + j * padded_ + first) * K_;
  }

 private:
  int64_t K_, N_ = 0, H_ = 0, count_ = 0, padded_ = 0, stride_ = 0;
  at::Tensor keys_, values_;
};

// Adds keys to the last chunk, to its last piece where they follow it in memory.
template <typename T>
void append(Chunk<T>& chunk, const Piece<T>& piece, Accumulated<T> key_factor,
            Accumulated<T> value_factor, int64_t K) {
  const int64_t first = chunk.num_columns();
  auto* const last = chunk.pieces.empty() ? nullptr : &chunk.pieces.back();
  if (last != nullptr && last->value + last->count * K == piece.value) {
    last->count += piece.count;
  } else {
    chunk.pieces.push_back(piece);
    chunk.pieces.back().first = first;
  }
  chunk.key_factors.resize(first + right_rows<T>(piece.count), key_factor);
  chunk.value_factors.resize(chunk.key_factors.size(), value_factor);
  chunk.values_gated = chunk.values_gated || value_factor != 1;
  if (chunk.num_columns() > first + piece.count) {
    chunk.holes.push_back(first + piece.count);
    chunk.key_factors.back() = 1;
  }
}

// Of every segment the first `num_seen` tokens at most. Full tokens are cut into equal pieces;
// compressed tokens of neighbours go into one.
template <typename T>
std::vector<Chunk<T>> chunks_of(const std::vector<Segment>& segments, int64_t num_seen, int64_t b,
                                int64_t h, int64_t K, const PackedTokens<T>& full,
                                const PackedTokens<T>& compressed) {
  using Number = Accumulated<T>;
  const double scale = 1.0 / std::sqrt(static_cast<double>(K));
  std::vector<Chunk<T>> chunks;
  for (const auto& segment : segments) {
    const auto& tokens = segment.compressed ? compressed : full;
    const int64_t seen = std::min(tokens.count(), num_seen);
    const int64_t size = piece_size(seen, kChunkKeys);
    for (int64_t first = 0; first < seen; first += size) {
      const int64_t count = std::min(size, seen - first);
      if (chunks.empty() || chunks.back().key_stride != tokens.key_stride() ||
          chunks.back().num_columns() + right_rows<T>(count) > kChunkKeys) {
        chunks.emplace_back();
        chunks.back().key_stride = tokens.key_stride();
      }
      append(chunks.back(),
             {tokens.key(b, segment.component, h, first),
              tokens.value(b, segment.component, h, first), 0, count},
             static_cast<Number>(scale * segment.key_gate), static_cast<Number>(segment.value_gate),
             K);
    }
  }
  return chunks;
}

// The running state of a block of queries.
template <typename T>
struct QueryBlock {
  using Number = Accumulated<T>;
  Rows<const T> query;
  int64_t count = 0;
  std::vector<Number> scores;  // [count, kChunkKeys], turned into weights in place
  std::vector<T> rounded;      // weights, where T is not Number
  std::vector<Number> output;  // [count, K], not yet divided by the sums
  std::vector<Number> maxima, sums;

  explicit QueryBlock(int64_t most_queries)
      : scores(most_queries * kChunkKeys),
        rounded(kPaired<T> ? scores.size() : 0),
        maxima(most_queries),
        sums(most_queries) {}
};

// Online softmax of one row of a chunk (Milakov & Gimelshein 2018).
template <typename T>
void softmax_row(const Chunk<T>& chunk, int64_t row, int64_t K, QueryBlock<T>& block) {
  auto* const scores = block.scores.data() + row * kChunkKeys;
  for (const int64_t hole : chunk.holes) {
    scores[hole] = -std::numeric_limits<Accumulated<T>>::infinity();
  }
  const auto maximum =
      scale_row(scores, chunk.key_factors.data(), chunk.num_columns(), block.maxima[row]);
  const auto shrink = std::exp(block.maxima[row] - maximum);
  const auto sum = weigh_row(scores, chunk.values_gated ? chunk.value_factors.data() : nullptr,
                             chunk.num_columns(), maximum);
  if constexpr (kPaired<T>) {
    round_row(scores, chunk.num_columns(), block.rounded.data() + row * kChunkKeys);
  }
  block.maxima[row] = maximum;
  block.sums[row] = block.sums[row] * shrink + sum;
  if (shrink != 1) {
    auto* const output = block.output.data() + row * K;
    for (int64_t c = 0; c < K; ++c) {
      output[c] *= shrink;
    }
  }
}

template <typename T>
void attend_to(const Chunk<T>& chunk, int64_t K, QueryBlock<T>& block) {
  for (const auto& piece : chunk.pieces) {
    product(block.count, piece.count, K, block.query.data, block.query.stride, piece.key,
            chunk.key_stride, block.scores.data() + piece.first, kChunkKeys, false);
  }
  for (int64_t row = 0; row < block.count; ++row) {
    softmax_row(chunk, row, K, block);
  }
  const T* const weights = factors_of(block.scores, block.rounded);
  for (const auto& piece : chunk.pieces) {
    product(block.count, K, right_rows<T>(piece.count), weights + piece.first, kChunkKeys,
            piece.value, K, block.output.data(), K, true);
  }
}

// log_sum_exp: where it is wanted.
template <typename T>
void finish(const QueryBlock<T>& block, int64_t K, Rows<T> output, Accumulated<T>* log_sum_exp) {
  for (int64_t row = 0; row < block.count; ++row) {
    if (log_sum_exp != nullptr) {
      log_sum_exp[row] = block.maxima[row] + std::log(block.sums[row]);
    }
    const auto* const from = block.output.data() + row * K;
    const auto inverse = 1 / block.sums[row];
    for (int64_t c = 0; c < K; ++c) {
      output.data[row * output.stride + c] = static_cast<T>(from[c] * inverse);
    }
  }
}

// Queries of a head whose scores are held at a time.
struct QueryRange {
  int64_t first, count;
  int64_t num_seen;  // tokens of every segment that they see
};

std::vector<QueryRange> query_ranges(const AttentionPlan& plan, int64_t S) {
  const bool all_see_all = plan.ends.empty();
  std::vector<QueryRange> ranges;
  int64_t begin = 0;
  for (const int64_t end : all_see_all ? std::vector<int64_t>{S} : plan.ends) {
    const int64_t size = piece_size(end - begin, kQueryRows);
    for (; begin < end; begin += size) {
      ranges.push_back({begin, std::min(size, end - begin),
                        all_see_all ? std::numeric_limits<int64_t>::max() : end});
    }
    begin = end;
  }
  return ranges;
}

template <typename T>
TiledOutput attend(const AttentionInput& input, const AttentionPlan& plan, bool for_backward) {
  using Number = Accumulated<T>;
  const auto& query = input.query;
  const int64_t B = query.size(0), N = query.size(1), H = query.size(2), S = query.size(3);
  const int64_t K = query.size(4);
  const PackedTokens<T> full(input.full, K), compressed(input.compressed, K);
  TiledOutput result;
  result.output =
      at::empty_strided({B, N, H, S, K}, {N * S * H * K, S * H * K, K, H * K, 1}, query.options());
  if (for_backward) {
    result.log_sum_exp =
        at::empty({B, N, H, S}, query.options().dtype(c10::CppTypeToScalarType<Number>::value));
  }
  Number* const log_sum_exp =
      for_backward ? result.log_sum_exp.template mutable_data_ptr<Number>() : nullptr;
  const auto ranges = query_ranges(plan, S);
  const int64_t num_ranges = std::ssize(ranges);
  at::parallel_for(0, B * N * H * num_ranges, 1, [&](int64_t begin, int64_t end) {
    QueryBlock<T> block(std::min(S, kQueryRows));
    std::vector<Chunk<T>> chunks;
    std::pair<int64_t, int64_t> chunks_of_what = {-1, -1};
    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task / num_ranges;
      const auto [first, count, num_seen] = ranges[task % num_ranges];
      if (const std::pair what(head, num_seen); what != chunks_of_what) {
        const int64_t h = head % H, b = head / H / N;
        chunks = chunks_of(plan.segments[head], num_seen, b, h, K, full, compressed);
        chunks_of_what = what;
      }
      const auto rows = rows_of<const T>(query, head);
      block.query = {rows.data + first * rows.stride, rows.stride};
      block.count = count;
      block.output.assign(block.count * K, 0);
      std::fill(block.maxima.begin(), block.maxima.end(), -std::numeric_limits<Number>::infinity());
      std::fill(block.sums.begin(), block.sums.end(), 0);
      for (const auto& chunk : chunks) {
        attend_to(chunk, K, block);
      }
      const auto output = rows_of<T>(result.output, head);
      finish(block, K, Rows<T>{output.data + first * output.stride, output.stride},
             for_backward ? log_sum_exp + head * S + first : nullptr);
    }
    if constexpr (kPaired<T>) {
      at::native::cpublas::brgemm_release();
    }
  });
  return result;
}

}  // namespace

bool tiles_apply(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  const auto type = query.scalar_type();
  const bool known = type == at::kDouble || type == at::kFloat ||
                     (type == at::kBFloat16 && processor_multiplies_bf16());
  return known && key.scalar_type() == type && value.scalar_type() == type &&
         query.device().is_cpu() && key.device().is_cpu() && value.device().is_cpu() &&
         query.size(-1) % 2 == 0 && query.numel() > 0 && key.numel() > 0;
}

TiledOutput tiled_attention(const AttentionInput& input, const AttentionPlan& plan,
                            bool for_backward) {
  return with_number(input.query.scalar_type(), [&](auto number) {
    return attend<decltype(number)>(input, plan, for_backward);
  });
}

}  // namespace moca::ops
