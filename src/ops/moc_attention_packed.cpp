#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "attention_tensors.h"
#include "library_attention.h"
#include "moc_backends.h"
#include "moca/core/mapped.h"
#include "once_differentiable.h"
#include "packed_context.h"

namespace moca::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the backward pass needs besides tensors. The packed keys and values are not among it: they
// are several times as large as what they are made of, and made again in a fraction of the time.
struct RecordedPacking : torch::CustomClassHolder {
  RecordedPacking(const ContextLayout& layout, const MocPlan& plan, at::ScalarType type)
      : context(layout, plan.routing, type),
        gates_keys(plan.gate_target == GateTarget::kKey),
        gates_values(plan.gate_target == GateTarget::kValue),
        bytes(plan.packed_bytes) {}

  // Keys and values of a chunk of heads.
  KeyValue packed(const AttentionInput& input, const HeadChunk& chunk) const {
    return {context.pack(input.full.key, input.compressed.key, chunk, gates_keys),
            context.pack(input.full.value, input.compressed.value, chunk, gates_values)};
  }

  PackedContext context;
  bool gates_keys, gates_values;
  int64_t bytes;
  std::vector<LibraryKernel> kernels;  // of every chunk of heads
};

std::vector<HeadChunk> chunks_of(const RecordedPacking& recorded, const at::Tensor& key) {
  const auto H = static_cast<int32_t>(key.size(2));
  const int64_t fitting =
      std::max<int64_t>(1, recorded.bytes / recorded.context.bytes_per_head(key));
  const auto most = static_cast<int32_t>(std::min<int64_t>(fitting, H));
  std::vector<HeadChunk> chunks;
  for (int32_t first = 0; first < H; first += most) {
    chunks.push_back({first, std::min(most, H - first)});
  }
  return chunks;
}

// The heads of a chunk as LibTorch's attention takes them: [B, N, H, L, K] -> [B * N, h, L, K].
at::Tensor heads_of(const at::Tensor& tokens, const HeadChunk& chunk) {
  return tokens.narrow(2, chunk.first_head, chunk.num_heads).flatten(0, 1);
}

at::Tensor consecutive_channels(const at::Tensor& tokens) {
  return !tokens.defined() || tokens.stride(-1) == 1 ? tokens : tokens.contiguous();
}

// The attention of every chunk of heads.
std::vector<LibraryAttention> attend(const AttentionInput& input, const RecordedPacking& recorded) {
  return mapped(chunks_of(recorded, input.full.key), [&](const HeadChunk& chunk) {
    const auto [key, value] = recorded.packed(input, chunk);
    return library_attention(heads_of(input.query, chunk), key, value);
  });
}

// [B * N, h, L, K] of every chunk -> [B, N, H, L, K].
at::Tensor joined_outputs(const std::vector<LibraryAttention>& attended,
                          const AttentionInput& input) {
  const auto outputs = mapped(attended, &LibraryAttention::output);
  const auto output = outputs.size() == 1 ? outputs[0] : at::cat(outputs, 1);
  return output.unflatten(0, {input.query.size(0), input.query.size(1)});
}

struct Gradients : AttentionInput {
  at::Tensor importance = {};
};

Gradients differentiate(const AttentionInput& input, const at::Tensor& importance,
                        const at::Tensor& output_gradient, const RecordedPacking& recorded,
                        const std::vector<LibraryAttention>& attended) {
  const auto& context = recorded.context;
  const auto chunks = chunks_of(recorded, input.full.key);
  AttentionInput like = input;
  if (chunks.size() == 1) {
    like.query = at::Tensor();  // the kernel's own
  }
  Gradients found{like.transformed(like_tokens)};
  if (importance.defined()) {
    const auto gate_type = input.full.key.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    found.importance = at::zeros(importance.sizes(), importance.options().dtype(gate_type));
  }
  for (size_t c = 0; c < chunks.size(); ++c) {
    const auto& chunk = chunks[c];
    const auto [key, value] = recorded.packed(input, chunk);
    const auto of = library_attention_backward(
        heads_of(output_gradient, chunk), heads_of(input.query, chunk), key, value, attended[c]);
    if (chunks.size() == 1) {
      found.query = of.query.view_as(input.query);
    } else {
      heads_of(found.query, chunk).copy_(of.query);
    }
    context.unpack(of.key, chunk, recorded.gates_keys, found.full.key, found.compressed.key);
    context.unpack(of.value, chunk, recorded.gates_values, found.full.value,
                   found.compressed.value);
    if (recorded.gates_keys) {
      context.gate_gradient(of.key, input.full.key, input.compressed.key, chunk, found.importance);
    } else if (recorded.gates_values) {
      context.gate_gradient(of.value, input.full.value, input.compressed.value, chunk,
                            found.importance);
    }
  }
  if (importance.defined()) {
    found.importance = found.importance.to(importance.scalar_type());
  }
  return found;
}

struct PackedFunction : torch::autograd::Function<PackedFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& query,
                            const at::Tensor& key, const at::Tensor& value,
                            const std::optional<at::Tensor>& compressed_key,
                            const std::optional<at::Tensor>& compressed_value,
                            const std::optional<at::Tensor>& importance,
                            const c10::intrusive_ptr<RecordedPacking>& recorded) {
    auto input =
        AttentionInput{query, {key, value}, {*compressed_key, *compressed_value}}.transformed(
            consecutive_channels);
    input.query = query;
    const auto attended = attend(input, *recorded);
    variable_list saved = {
        query,
        input.full.key,
        input.full.value,
        input.compressed.key,
        input.compressed.value,
        *importance,
        recorded->context.selected(),  // here autograd sees when somebody has changed them
        recorded->context.rest()};
    for (const auto& chunk : attended) {
      recorded->kernels.push_back(chunk.kernel);
      saved.insert(saved.end(), {chunk.output, chunk.log_sum_exp, chunk.seed, chunk.offset});
    }
    context->save_for_backward(std::move(saved));
    context->saved_data["recorded"] = c10::IValue::make_capsule(recorded);
    return joined_outputs(attended, input);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto recorded = c10::static_intrusive_pointer_cast<RecordedPacking>(
        context->saved_data["recorded"].toCapsule());
    std::vector<LibraryAttention> attended;
    for (const auto kernel : recorded->kernels) {
      const auto* const of_chunk = &saved[8 + 4 * attended.size()];
      attended.push_back({kernel, of_chunk[0], of_chunk[1], of_chunk[2], of_chunk[3]});
    }
    const auto found =
        differentiate({saved[0], {saved[1], saved[2]}, {saved[3], saved[4]}}, saved[5],
                      gradients[0].to(saved[0].scalar_type()), *recorded, attended);
    return once_differentiable("attention",
                               {found.query, found.full.key, found.full.value, found.compressed.key,
                                found.compressed.value, found.importance, at::Tensor()});
  }
};

}  // namespace

at::Tensor moc_attention_packed(const AttentionInput& input, const MocPlan& plan,
                                const MocSizes& sizes) {
  const bool gated = plan.gate_target != GateTarget::kNone;
  if (sizes.N == 1 || (sizes.num_rest == 0 && !gated)) {  // everyone in full and ungated
    return library_attention_between(input.query, input.full.key, input.full.value);
  }
  ContextLayout layout;
  layout.N = static_cast<int32_t>(sizes.N);
  layout.H = static_cast<int32_t>(sizes.H);
  layout.L = static_cast<int32_t>(sizes.L);
  layout.M = static_cast<int32_t>(sizes.M);
  layout.K = static_cast<int32_t>(sizes.K);
  layout.num_selected = static_cast<int32_t>(sizes.num_selected);
  layout.gates_compressed = plan.gate_compressed;
  return PackedFunction::apply(
      input.query, input.full.key, input.full.value, std::optional(input.compressed.key),
      std::optional(input.compressed.value),
      std::optional(gated ? plan.routing.importance : at::Tensor()),
      c10::make_intrusive<RecordedPacking>(layout, plan, input.full.key.scalar_type()));
}

}  // namespace moca::ops
