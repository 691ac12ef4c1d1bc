#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "moca/config/choice.h"
#include "moca/data/prepared_dataset.h"
#include "moca/dit/condition.h"
#include "moca/dit/flop_count.h"
#include "moca/generation/request.h"

namespace moca::generation {

// Makes one kind of condition: from what is known of an asset to tokens. Training, validation,
// evaluation and sampling use the same.
class Conditioner {
 public:
  virtual ~Conditioner() = default;

  virtual std::string name() const = 0;
  // Of one asset, or of one component where the scope says so.
  virtual dit::DitSizes::ConditionSize size() const = 0;
  // What turns inputs into tokens, part of the denoiser under `module_name`; none: nothing.
  virtual std::shared_ptr<torch::nn::Module> module() const { return nullptr; }
  virtual std::string module_name() const { return name(); }
  // Throws Error for a dataset that it cannot work on.
  virtual void check(const data::PreparedDataset&) const {}

  // What is known of one asset, any tensor without the batch's axis, its first axis N where the
  // scope is the component's. From a dataset, in the threads that load; or from a request.
  virtual at::Tensor input(const data::PreparedDataset& dataset, int64_t asset,
                           int64_t view) const = 0;
  virtual at::Tensor input(const Request& request) const = 0;
  virtual bool takes_component_maps() const { return false; }

  // inputs: [B, ...] of several assets, padded with zeros. component_mask: [B, N]; what absent
  // components give is not used.
  virtual dit::Condition condition(const at::Tensor& inputs, const at::Tensor& component_mask) = 0;
  // Floating point operations (nn/flops.h) of `condition`, with its backward pass if it is trained.
  virtual double flops(int64_t num_assets, int64_t num_components) const = 0;
};

// A condition beside the image's. One of ours is a file in src/generation/conditioners/ and its
// line in conditioner.cpp; a program that uses this library adds its own with register_condition
// before it reads any config.
struct ConditionKind {
  config::Option option;  // its name, what it is, and its settings
  std::function<std::shared_ptr<Conditioner>(const config::Choice&)> make;
};

// The kinds that this program knows; the first is none.
config::Choice known_conditions();
void register_condition(ConditionKind kind);

struct ConditionConfig {
  config::Choice kind = known_conditions();

  static void fields(auto& self, auto&& v) { v("kind", self.kind); }
};

using Conditioners = std::vector<std::shared_ptr<Conditioner>>;

// Of a run's config; none: empty.
Conditioners make_conditioners(const ConditionConfig& config);

}  // namespace moca::generation
