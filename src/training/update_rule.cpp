#include "moca/training/update_rule.h"

#include <utility>

#include "moca/config/kind_table.h"

namespace moca::training {

OptimizerKind adamw();  // each in its own file

namespace {

config::KindTable<OptimizerKind>& optimizer_table() {
  static config::KindTable<OptimizerKind> kinds("training.optimizer.name", {adamw()});
  return kinds;
}

}  // namespace

config::Choice known_optimizers() { return optimizer_table().choice(); }

void register_optimizer(OptimizerKind kind) { optimizer_table().add(std::move(kind)); }

std::unique_ptr<UpdateRule> make_update_rule(const OptimizerConfig& config) {
  return optimizer_table().chosen(config.kind).make(config);
}

}  // namespace moca::training
