#pragma once

#include <functional>
#include <ranges>
#include <type_traits>
#include <vector>

namespace moca {

// What `of` makes of every element.
template <std::ranges::sized_range Range, class Of>
auto mapped(const Range& elements, Of of) {
  using Element = std::ranges::range_reference_t<const Range>;
  std::vector<std::remove_cvref_t<std::invoke_result_t<Of&, Element>>> results;
  results.reserve(std::ranges::size(elements));
  for (const auto& element : elements) {
    results.push_back(std::invoke(of, element));
  }
  return results;
}

}  // namespace moca
