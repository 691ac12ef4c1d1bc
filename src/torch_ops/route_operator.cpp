#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <optional>
#include <string_view>
#include <tuple>

#include "moca/ops/moc_attention.h"
#include "support.h"

// torch.ops.moca.route: LibTorch's operators, which are traced and differentiated by themselves,
// and one of ours without a gradient, `select_components`.
namespace moca::torch_ops {
namespace {

using at::Tensor;

std::tuple<Tensor, Tensor> select(const Tensor& ranking, int64_t num_selected) {
  const auto found = ops::select_components(ranking, num_selected);
  return {found.selected, found.rest};
}

std::tuple<Tensor, Tensor> select_shape(const Tensor& ranking, int64_t num_selected) {
  const auto sizes = ranking.sym_sizes();
  const auto num_others = sizes[1] - 1;
  // Decided here, or sizes would have a minimum in them, of which torch.export proves little.
  const auto k = num_others < num_selected ? num_others : c10::SymInt(num_selected);
  const auto list_of = [&](const c10::SymInt& length) {
    return at::empty_symint({sizes[0], sizes[1], sizes[2], length},
                            ranking.options().dtype(at::kLong));
  };
  return {list_of(k), list_of(num_others - k)};
}

std::tuple<Tensor, Tensor, Tensor> route(const Tensor& query, const Tensor& key,
                                         int64_t num_selected, std::string_view activation,
                                         std::string_view sampling,
                                         const std::optional<Tensor>& uniform) {
  expect_device_of(query, "anchor_query", key, "anchor_key");
  ops::RoutingOptions options{num_selected, parsed<ops::RouterActivation>(activation, "activation"),
                              sampling != "none"};
  TORCH_CHECK(query.dim() == 4 && key.sym_sizes() == query.sym_sizes() &&
                  key.scalar_type() == query.scalar_type(),
              "expected anchor_query and anchor_key [B, N, H, K] of one shape and type, got ",
              query.sym_sizes(), " ", query.scalar_type(), " and ", key.sym_sizes(), " ",
              key.scalar_type());
  TORCH_CHECK(uniform.has_value() == options.stochastic, "sampling '", sampling,
              options.stochastic ? "' needs uniform" : "' takes no uniform");
  if (options.stochastic) {
    options.sampling = parsed<ops::RouterSampling>(sampling, "sampling, where it is not 'none',");
    expect_device_of(query, "anchor_query", *uniform, "uniform");
  }
  const auto scores = ops::router_scores(query, key, options.activation);
  TORCH_CHECK(!uniform || uniform->sym_sizes() == scores.logits.sym_sizes(),
              "expected uniform [B, N, H, N] = ", scores.logits.sym_sizes(), ", got ",
              uniform->sym_sizes());
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("moca::select_components", "")
                                 .typed<decltype(select)>();
  const auto [selected, rest] =
      handle.call(ops::ranking(scores, options, uniform.value_or(Tensor())), num_selected);
  return {scores.importance, selected, rest};
}

TORCH_LIBRARY_FRAGMENT(moca, library) {
  library.def(
      "route(Tensor anchor_query, Tensor anchor_key, int num_selected, str activation='sigmoid', "
      "str sampling='none', Tensor? uniform=None) -> "
      "(Tensor importance, Tensor selected, Tensor rest)",
      &route);
  library.def(
      "select_components(Tensor ranking, int num_selected) -> (Tensor selected, Tensor rest)");
  library.impl("select_components", c10::DispatchKey::CompositeExplicitAutograd, &select);
  library.impl("select_components", c10::DispatchKey::Meta, &select_shape);
}

}  // namespace
}  // namespace moca::torch_ops
