#include "moca/nn/activation_checkpoint.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>
#include <torch/types.h>

#include <algorithm>

#include "moca/nn/autocast.h"

namespace moca::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// How to run the computation once more.
struct Recorded : torch::CustomClassHolder {
  Computation compute;
  std::vector<bool> given;                 // which of its inputs are defined
  std::optional<at::Generator> generator;  // as it was before the first run
  bool autocast = false;
};

std::optional<at::Generator> copy(const std::optional<at::Generator>& generator) {
  return generator.has_value() ? std::optional(generator->clone()) : std::nullopt;
}

// The computation's inputs from those that are defined, the first of `sources`.
variable_list inputs_from(const std::vector<bool>& given, at::TensorList sources) {
  variable_list inputs;
  size_t next = 0;
  for (const bool is_given : given) {
    inputs.push_back(is_given ? sources[next++] : at::Tensor());
  }
  return inputs;
}

// The output of a run that records, and what it is differentiated in.
struct Run {
  at::Tensor output;
  variable_list sources;          // that want a gradient
  std::vector<size_t> positions;  // of them among inputs and parameters
};

// The first run records as well, and drops its record at once: without recording, layers take other
// ways to the same numbers, and a routing that depends on the last bit would not be repeated.
Run run(const Recorded& recorded, at::TensorList inputs_and_parameters,
        const std::optional<at::Generator>& generator) {
  const auto num_inputs = std::ranges::count(recorded.given, true);
  Run result;
  variable_list sources = inputs_and_parameters.vec();
  for (size_t i = 0; i < sources.size(); ++i) {
    if (static_cast<int64_t>(i) < num_inputs) {
      sources[i] = sources[i].detach().requires_grad_(sources[i].requires_grad());
    }
    if (sources[i].requires_grad()) {
      result.sources.push_back(sources[i]);
      result.positions.push_back(i);
    }
  }
  const torch::AutoGradMode recording(true);
  at::autocast::clear_cache();  // casts belong to the record of their run
  const Autocast autocast(sources[0].device(), recorded.autocast);
  result.output = recorded.compute(inputs_from(recorded.given, sources), generator);
  at::autocast::clear_cache();
  return result;
}

struct Checkpoint : torch::autograd::Function<Checkpoint> {
  // sources: the computation's defined inputs, then the parameters.
  static at::Tensor forward(AutogradContext* context, const at::TensorList& sources,
                            const c10::intrusive_ptr<Recorded>& recorded,
                            const std::optional<at::Generator>& generator) {
    context->save_for_backward(sources.vec());
    context->saved_data["recorded"] = c10::IValue::make_capsule(recorded);
    return run(*recorded, sources, generator).output.detach();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto recorded =
        c10::static_intrusive_pointer_cast<Recorded>(context->saved_data["recorded"].toCapsule());
    const auto saved = context->get_saved_variables();
    const auto again = run(*recorded, saved, copy(recorded->generator));
    const auto found =
        torch::autograd::grad({again.output}, again.sources, {gradients[0]}, {}, false, true);
    variable_list result(saved.size() + 2);  // none for the recording and the generator
    for (size_t i = 0; i < found.size(); ++i) {
      result[again.positions[i]] = found[i];
    }
    return result;
  }
};

}  // namespace

at::Tensor checkpointed(const Computation& compute, const std::vector<at::Tensor>& inputs,
                        const std::vector<at::Tensor>& parameters,
                        const std::optional<at::Generator>& generator) {
  const auto recorded = c10::make_intrusive<Recorded>();
  recorded->compute = compute;
  variable_list sources;
  for (const auto& input : inputs) {
    recorded->given.push_back(input.defined());
    if (input.defined()) {
      sources.push_back(input);
    }
  }
  recorded->generator = copy(generator);
  recorded->autocast = at::autocast::is_autocast_enabled(inputs.at(0).device().type());
  sources.insert(sources.end(), parameters.begin(), parameters.end());
  return Checkpoint::apply(at::TensorList(sources), recorded, generator);
}

}  // namespace moca::nn
