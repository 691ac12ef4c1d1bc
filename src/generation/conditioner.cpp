#include "moca/generation/conditioner.h"

#include <utility>

#include "moca/config/kind_table.h"

namespace moca::generation {
namespace {

config::KindTable<ConditionKind>& condition_table() {
  static config::KindTable<ConditionKind> kinds("condition.kind",
                                                {{{"none", "the image alone", config::NoSettings()},
                                                  [](const config::Choice&) { return nullptr; }}});
  return kinds;
}

}  // namespace

config::Choice known_conditions() { return condition_table().choice(); }

void register_condition(ConditionKind kind) { condition_table().add(std::move(kind)); }

Conditioners make_conditioners(const ConditionConfig& config) {
  if (auto conditioner = condition_table().chosen(config.kind).make(config.kind)) {
    return {std::move(conditioner)};
  }
  return {};
}

}  // namespace moca::generation
