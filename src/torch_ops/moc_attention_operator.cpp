#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "moca/ops/moc_attention.h"
#include "support.h"

// torch.ops.moca.moc_attention. All of its kernels get a `Call`.
namespace moca::torch_ops {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using OptionalTensor = std::optional<Tensor>;

// What has a gradient, in the order of a call's tokens.
enum Token : size_t { kQuery, kKey, kValue, kImportance, kCompressedKey, kCompressedValue };
constexpr std::array kNames = {"query",           "key", "value", "importance", "compressed_key",
                               "compressed_value"};

struct Call {
  variable_list tokens;  // without the last two where they are not given
  Tensor selected, rest;
  std::string gate_target;
  bool attend_compressed, gate_compressed;

  OptionalTensor compressed(Token which) const {
    return tokens.size() > which ? OptionalTensor(tokens[which]) : std::nullopt;
  }
};

Tensor attend(const Call& call) {
  const auto& tokens = call.tokens;
  ops::MocPlan plan;
  plan.routing = {tokens[kImportance], call.selected, call.rest};
  plan.gate_target = parsed<ops::GateTarget>(call.gate_target, "gate_target");
  plan.attend_compressed = call.attend_compressed;
  plan.gate_compressed = call.gate_compressed;
  return ops::moc_attention(tokens[kQuery], tokens[kKey], tokens[kValue],
                            call.compressed(kCompressedKey).value_or(Tensor()),
                            call.compressed(kCompressedValue).value_or(Tensor()), plan);
}

// Heads lie as [B, N, L, H, K], as the projections before and behind an attention have them,
// importance as its axes are: what is computed and what tells only shapes agree on it.
Tensor laid_out(const Tensor& tensor) {
  const int64_t axis = tensor.dim() == 5 ? 3 : 2;
  return tensor.transpose(2, axis).contiguous().transpose(2, axis);
}

Tensor shape_of(const Tensor& tensor) {
  const int64_t axis = tensor.dim() == 5 ? 3 : 2;
  return at::empty_like(tensor.transpose(2, axis), at::MemoryFormat::Contiguous).transpose(2, axis);
}

Tensor forward(const Call& call) { return laid_out(attend(call)); }

Tensor forward_shape(const Call& call) { return shape_of(call.tokens[kQuery]); }

// Attends once more, recorded, and lets the functions that record differentiate.
variable_list backward(const Call& call, const Tensor& output_gradient) {
  // As outside of any operator: autograd's kernels are called, autocast's are not.
  const c10::impl::ForceDispatchKeyGuard keys(c10::default_included_set, c10::default_excluded_set);
  const at::AutoGradMode recording(true);
  auto again = call;
  for (auto& tokens : again.tokens) {
    tokens = tokens.detach().requires_grad_();
  }
  auto gradients = torch::autograd::grad({attend(again)}, again.tokens, {output_gradient},
                                         /*retain_graph=*/false, /*create_graph=*/false,
                                         /*allow_unused=*/true);
  for (size_t i = 0; i < gradients.size(); ++i) {
    gradients[i] = laid_out(gradients[i].defined() ? gradients[i] : at::zeros_like(call.tokens[i]));
  }
  return gradients;
}

variable_list backward_shape(const Call& call, const Tensor&) {
  auto shapes = call.tokens;
  std::transform(shapes.begin(), shapes.end(), shapes.begin(), shape_of);
  return shapes;
}

// The kernel that does `Work`.
template <auto Work, typename... Gradient>
auto kernel(const Gradient&... gradient, const Tensor& query, const Tensor& key,
            const Tensor& value, const OptionalTensor& compressed_key,
            const OptionalTensor& compressed_value, const Tensor& importance,
            const Tensor& selected, const Tensor& rest, std::string_view gate_target,
            bool attend_compressed, bool gate_compressed) {
  Call call{{query, key, value, importance}, selected,          rest,
            std::string(gate_target),        attend_compressed, gate_compressed};
  if (compressed_key && compressed_value) {
    call.tokens.insert(call.tokens.end(), {*compressed_key, *compressed_value});
  }
  for (size_t i = 0; i < call.tokens.size(); ++i) {
    expect_device_of(query, "query", call.tokens[i], kNames[i]);
  }
  expect_device_of(query, "query", selected, "selected");
  expect_device_of(query, "query", rest, "rest");
  return Work(call, gradient...);
}

// Calls the operator whose kernel does `Work`.
template <auto Work, typename... Gradient>
auto dispatch(const char* name, const Call& call, const Gradient&... gradient) {
  using Signature = decltype(kernel<Work, Gradient...>);
  static const auto handle =
      c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
  return handle.call(gradient..., call.tokens[kQuery], call.tokens[kKey], call.tokens[kValue],
                     call.compressed(kCompressedKey), call.compressed(kCompressedValue),
                     call.tokens[kImportance], call.selected, call.rest, call.gate_target,
                     call.attend_compressed, call.gate_compressed);
}

Tensor dispatch_forward(const Call& call) { return dispatch<forward>("moca::moc_attention", call); }

struct Traced : torch::autograd::Function<Traced> {
  static Tensor forward(AutogradContext* context, at::TensorList tokens, const Call& call) {
    auto saved = tokens.vec();
    saved.insert(saved.end(), {call.selected, call.rest});
    context->save_for_backward(std::move(saved));
    context->saved_data["gate_target"] = call.gate_target;
    context->saved_data["attend_compressed"] = call.attend_compressed;
    context->saved_data["gate_compressed"] = call.gate_compressed;
    const at::AutoDispatchBelowADInplaceOrView below;
    return dispatch_forward(call);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Call call{{saved.begin(), saved.end() - 2},
                    saved.end()[-2],
                    saved.end()[-1],
                    context->saved_data["gate_target"].toStringRef(),
                    context->saved_data["attend_compressed"].toBool(),
                    context->saved_data["gate_compressed"].toBool()};
    auto found = dispatch<torch_ops::backward>("moca::moc_attention_backward", call, gradients[0]);
    found.emplace_back();  // of the call itself
    return found;
  }
};

// Where torch.compile or the like traces, the operator and that of its backward pass are what is
// seen. Otherwise the functions that `attend` calls record themselves: they keep what saves the
// backward pass from attending once more.
Tensor record(const Call& call) {
  using c10::DispatchKey;
  constexpr c10::DispatchKeySet kTracing({DispatchKey::Python, DispatchKey::Functionalize,
                                          DispatchKey::FuncTorchDynamicLayerFrontMode});
  auto keys = c10::impl::tls_local_dispatch_key_set().included_;
  for (const auto& tokens : call.tokens) {
    keys = keys | tokens.key_set();
  }
  const bool traced = keys.has_any(kTracing) || call.tokens[kQuery].is_meta();
  return traced ? Traced::apply(at::TensorList(call.tokens), call) : forward(call);
}

// Everything but importance in the type that autocast wants attention in.
Tensor cast(const Call& call) {
  const auto device = call.tokens[kQuery].device().type();
  auto in_type = call;
  for (size_t i = 0; i < call.tokens.size(); ++i) {
    if (i != kImportance) {
      in_type.tokens[i] = at::autocast::cached_cast(at::autocast::get_autocast_dtype(device),
                                                    call.tokens[i], device);
    }
  }
  const c10::impl::ExcludeDispatchKeyGuard below(
      at::autocast::get_autocast_dispatch_key_from_device_type(device));
  return dispatch_forward(in_type);
}

TORCH_LIBRARY_FRAGMENT(moca, library) {
  using c10::DispatchKey;
  const std::string arguments =
      "Tensor query, Tensor key, Tensor value, Tensor? compressed_key, Tensor? compressed_value, "
      "Tensor importance, Tensor selected, Tensor rest, str gate_target='key', "
      "bool attend_compressed=True, bool gate_compressed=True)";
  constexpr auto kForward = "moc_attention", kBackward = "moc_attention_backward";
  library.def((kForward + ("(" + arguments) + " -> Tensor").c_str());
  library.def((kBackward + ("(Tensor output_gradient, " + arguments) + " -> Tensor[]").c_str());
  library.impl(kForward, DispatchKey::CompositeExplicitAutograd, &kernel<forward>);
  library.impl(kForward, DispatchKey::Meta, &kernel<forward_shape>);
  library.impl(kForward, DispatchKey::Autograd, &kernel<record>);
  library.impl(kForward, DispatchKey::AutocastCPU, &kernel<cast>);
  library.impl(kForward, DispatchKey::AutocastCUDA, &kernel<cast>);
  library.impl(kBackward, DispatchKey::CompositeExplicitAutograd, &kernel<backward, Tensor>);
  library.impl(kBackward, DispatchKey::Meta, &kernel<backward_shape, Tensor>);
  library.impl(kBackward, DispatchKey::Autograd, torch::autograd::autogradNotImplementedFallback());
}

}  // namespace
}  // namespace moca::torch_ops
