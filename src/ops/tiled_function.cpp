#include "tiled_function.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <optional>
#include <utility>

#include "attention_tensors.h"
#include "once_differentiable.h"

namespace moca::ops {
namespace {

// What the backward pass needs besides tensors.
struct RecordedPlan : torch::CustomClassHolder {
  AttentionPlan plan;
  bool gates_values = false;
};

// The gates' gradients at their places in importance [B, N, H, N].
at::Tensor importance_gradient(const AttentionPlan& plan, const std::vector<double>& gates,
                               const at::Tensor& importance) {
  auto gradient = at::zeros(importance.sizes(), importance.options().dtype(at::kDouble));
  double* const rows = gradient.mutable_data_ptr<double>();
  const int64_t N = importance.size(3);
  size_t index = 0;
  for (size_t row = 0; row < plan.segments.size(); ++row) {
    for (const auto& segment : plan.segments[row]) {
      if (segment.gated) {
        rows[static_cast<int64_t>(row) * N + segment.component] += gates[index];
      }
      ++index;
    }
  }
  return gradient.to(importance.scalar_type());
}

// Rows of consecutive numbers that do not overlap.
at::Tensor with_plain_rows(const at::Tensor& tokens) {
  if (!tokens.defined()) {
    return tokens;
  }
  const bool plain =
      tokens.stride(-1) == 1 && (tokens.size(-2) == 1 || tokens.stride(-2) >= tokens.size(-1));
  return plain ? tokens : tokens.contiguous();
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct TiledFunction : torch::autograd::Function<TiledFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& query,
                            const at::Tensor& key, const at::Tensor& value,
                            const std::optional<at::Tensor>& compressed_key,
                            const std::optional<at::Tensor>& compressed_value,
                            const std::optional<at::Tensor>& importance,
                            const c10::intrusive_ptr<RecordedPlan>& recorded) {
    const auto input =
        AttentionInput{query, {key, value}, {*compressed_key, *compressed_value}}.transformed(
            with_plain_rows);
    const auto result = tiled_attention(input, recorded->plan, /*for_backward=*/true);
    context->save_for_backward({input.query, input.full.key, input.full.value, input.compressed.key,
                                input.compressed.value, *importance, result.output,
                                result.log_sum_exp});
    context->saved_data["recorded"] = c10::IValue::make_capsule(recorded);
    return result.output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto recorded = c10::static_intrusive_pointer_cast<RecordedPlan>(
        context->saved_data["recorded"].toCapsule());
    const AttentionInput input{saved[0], {saved[1], saved[2]}, {saved[3], saved[4]}};
    const auto& importance = saved[5];
    const auto found =
        tiled_attention_backward(input, recorded->plan, {saved[6], saved[7]},
                                 with_plain_rows(gradients[0].to(saved[0].scalar_type())));
    at::Tensor of_importance;
    if (importance.defined()) {
      of_importance = importance_gradient(
          recorded->plan, recorded->gates_values ? found.value_gates : found.key_gates, importance);
    }
    return once_differentiable("attention",
                               {found.query, found.full.key, found.full.value, found.compressed.key,
                                found.compressed.value, of_importance, at::Tensor()});
  }
};

}  // namespace

at::Tensor tiled_attention_recorded(const AttentionInput& input, const at::Tensor& importance,
                                    AttentionPlan plan, bool gates_values) {
  TORCH_CHECK(plan.ends.empty() || !importance.defined(), "nested groups have no gates");
  if (!at::GradMode::is_enabled()) {  // a fifth of the time that 16 tokens take
    return tiled_attention(input.transformed(with_plain_rows), plan, /*for_backward=*/false).output;
  }
  const auto recorded = c10::make_intrusive<RecordedPlan>();
  recorded->plan = std::move(plan);
  recorded->gates_values = gates_values;
  return TiledFunction::apply(
      input.query, input.full.key, input.full.value, std::optional(input.compressed.key),
      std::optional(input.compressed.value), std::optional(importance), recorded);
}

at::Tensor in_autocast_type(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return tensor;
  }
  const auto device = tensor.device().type();
  if (!at::autocast::is_autocast_enabled(device) || !at::isFloatingType(tensor.scalar_type()) ||
      tensor.scalar_type() == at::kDouble) {
    return tensor;
  }
  return tensor.to(at::autocast::get_autocast_dtype(device));
}

}  // namespace moca::ops
