#include "moca/config/rules.h"

#include "moca/config/values.h"
#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/core/text.h"

namespace moca::config {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

NumberRule at_least(double low) { return {low, kInfinity, false, {}}; }
NumberRule at_most(double high) { return {-kInfinity, high, false, {}}; }
NumberRule in_range(double low, double high) { return {low, high, false, {}}; }
NumberRule above(double low) { return {low, kInfinity, true, {}}; }
TextRule place() { return {{}, true}; }

void require_multiple(const std::string& path, const std::string& name, int64_t value,
                      const std::string& divisor_name, int64_t divisor) {
  if (value % divisor != 0) {
    throw Error(path, ".", name, " (", value, ") must be a multiple of ", path, ".", divisor_name,
                " (", divisor, ").");
  }
}

std::string braced(const std::vector<std::string>& names) {
  return "{" + joined(names, ", ") + "}";
}

std::string rule_text(const NumberRule& rule) {
  if (!rule.allowed.empty()) {
    return "one of " + braced(mapped(rule.allowed, format_number));
  }
  if (rule.above_low) {
    return "above " + format_number(rule.low);
  }
  if (rule.low > -kInfinity && rule.high < kInfinity) {
    return "in [" + format_number(rule.low) + ", " + format_number(rule.high) + "]";
  }
  if (rule.low > -kInfinity) {
    return "at least " + format_number(rule.low);
  }
  return rule.high < kInfinity ? "at most " + format_number(rule.high) : "";
}

std::string rule_text(const TextRule& rule) {
  return rule.allowed.empty() ? "" : "one of " + braced(rule.allowed);
}

}  // namespace moca::config
