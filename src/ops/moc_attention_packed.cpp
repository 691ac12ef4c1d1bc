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

MocInput readable(const MocInput& input) {
  return {input.query, consecutive_channels(input.key), consecutive_channels(input.value),
          consecutive_channels(input.compressed_key), consecutive_channels(input.compressed_value)};
}

// The attention of every chunk of heads.
std::vector<LibraryAttention> attend(const MocInput& input, const RecordedPacking& recorded) {
  std::vector<LibraryAttention> attended;
  for (const auto& chunk : chunks_of(recorded, input.key)) {
    const auto& context = recorded.context;
    const auto key = context.pack(input.key, input.compressed_key, chunk, recorded.gates_keys);
    const auto value =
        context.pack(input.value, input.compressed_value, chunk, recorded.gates_values);
    attended.push_back(library_attention(heads_of(input.query, chunk), key, value));
  }
  return attended;
}

// [B * N, h, L, K] of every chunk -> [B, N, H, L, K].
at::Tensor joined_outputs(const std::vector<LibraryAttention>& attended, const MocInput& input) {
  std::vector<at::Tensor> outputs;
  for (const auto& chunk : attended) {
    outputs.push_back(chunk.output);
  }
  const auto output = outputs.size() == 1 ? outputs[0] : at::cat(outputs, 1);
  return output.unflatten(0, {input.query.size(0), input.query.size(1)});
}

struct Gradients {
  MocInput tokens;
  at::Tensor importance;
};

Gradients differentiate(const MocInput& input, const at::Tensor& importance,
                        const at::Tensor& output_gradient, const RecordedPacking& recorded,
                        const std::vector<LibraryAttention>& attended) {
  const auto& context = recorded.context;
  Gradients found{{like_tokens(input.query), like_tokens(input.key), like_tokens(input.value),
                   like_tokens(input.compressed_key), like_tokens(input.compressed_value)},
                  {}};
  if (importance.defined()) {
    const auto gate_type = input.key.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    found.importance = at::zeros(importance.sizes(), importance.options().dtype(gate_type));
  }
  auto& gradients = found.tokens;
  const auto chunks = chunks_of(recorded, input.key);
  for (size_t c = 0; c < chunks.size(); ++c) {
    const auto& chunk = chunks[c];
    const auto key = context.pack(input.key, input.compressed_key, chunk, recorded.gates_keys);
    const auto value =
        context.pack(input.value, input.compressed_value, chunk, recorded.gates_values);
    const auto of = library_attention_backward(
        heads_of(output_gradient, chunk), heads_of(input.query, chunk), key, value, attended[c]);
    heads_of(gradients.query, chunk).copy_(of.query);
    context.unpack(of.key, chunk, recorded.gates_keys, gradients.key, gradients.compressed_key);
    context.unpack(of.value, chunk, recorded.gates_values, gradients.value,
                   gradients.compressed_value);
    if (recorded.gates_keys) {
      context.gate_gradient(of.key, input.key, input.compressed_key, chunk, found.importance);
    } else if (recorded.gates_values) {
      context.gate_gradient(of.value, input.value, input.compressed_value, chunk, found.importance);
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
    const auto input = readable({query, key, value, compressed_key.value_or(at::Tensor()),
                                 compressed_value.value_or(at::Tensor())});
    const auto attended = attend(input, *recorded);
    variable_list saved = {input.query,
                           input.key,
                           input.value,
                           input.compressed_key,
                           input.compressed_value,
                           importance.value_or(at::Tensor())};
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
      const auto* const of_chunk = &saved[6 + 4 * attended.size()];
      attended.push_back({kernel, of_chunk[0], of_chunk[1], of_chunk[2], of_chunk[3]});
    }
    const auto found = differentiate({saved[0], saved[1], saved[2], saved[3], saved[4]}, saved[5],
                                     gradients[0].to(saved[0].scalar_type()), *recorded, attended);
    return {found.tokens.query,
            found.tokens.key,
            found.tokens.value,
            found.tokens.compressed_key,
            found.tokens.compressed_value,
            found.importance,
            at::Tensor()};
  }
};

// Everyone attends to everyone in full and ungated: dense attention over all tokens of the asset.
at::Tensor everyone_ungated(const MocInput& input) {
  const auto joined = [](const at::Tensor& heads) { return heads.transpose(1, 2).flatten(2, 3); };
  return at::scaled_dot_product_attention(joined(input.query), joined(input.key),
                                          joined(input.value))
      .unflatten(2, {input.query.size(1), input.query.size(3)})
      .transpose(1, 2);
}

}  // namespace

at::Tensor moc_attention_packed(const MocInput& input, const MocPlan& plan, const MocSizes& sizes) {
  const bool gated = plan.gate_target != GateTarget::kNone;
  if (sizes.N == 1 || (sizes.num_rest == 0 && !gated)) {
    return everyone_ungated(input);
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
      input.query, input.key, input.value, if_defined(input.compressed_key),
      if_defined(input.compressed_value),
      if_defined(gated ? plan.routing.importance : at::Tensor()),
      c10::make_intrusive<RecordedPacking>(layout, plan, input.key.scalar_type()));
}

}  // namespace moca::ops
