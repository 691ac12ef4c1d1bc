// A condition: the size of every component's bounding box, one token each. `condition.kind: sizes`
// chooses it; a request that is sampled gives them as inputs["sizes"].
#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "extend.h"
#include "moca/generation/conditioner.h"
#include "moca/generation/request.h"

namespace {

using moca::dit::ConditionScope;

class Sizes : public moca::generation::Conditioner {
 public:
  std::string name() const override { return "sizes"; }
  moca::dit::DitSizes::ConditionSize size() const override {
    return {1, 3, ConditionScope::kComponent};
  }
  at::Tensor input(const moca::data::PreparedDataset& dataset, int64_t asset,
                   int64_t) const override {
    std::vector<at::Tensor> sizes;
    for (int64_t i = 0; i < dataset.records()[asset].num_components(); ++i) {
      const auto points = dataset.surface(asset, i).points;  // [P, 3]
      sizes.push_back(points.amax(0, /*keepdim=*/true) - points.amin(0, /*keepdim=*/true));
    }
    return at::stack(sizes);  // [N, 1, 3]
  }
  at::Tensor input(const moca::generation::Request& request) const override {
    const auto given = request.inputs.find(name());
    return given == request.inputs.end() ? at::zeros({request.num_components, 1, 3})
                                         : given->second;
  }
  moca::dit::Condition condition(const at::Tensor& inputs, const at::Tensor&) override {
    return {.name = name(), .scope = ConditionScope::kComponent, .tokens = inputs};
  }
  double flops(int64_t, int64_t) const override { return 0; }
};

}  // namespace

void register_sizes() {
  moca::generation::register_condition(
      {{"sizes", "the size of every component", moca::config::NoSettings()},
       [](const moca::config::Choice&) { return std::make_shared<Sizes>(); }});
}
