#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/binding.h"

// Finds members that a config struct forgot to list in `fields`.
namespace moca::config {

// Stands for a member of any type while counting; never evaluated.
struct AnyMember {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor): must convert implicitly
};

template <class T, size_t... kIndex>
consteval bool takes_members(std::index_sequence<kIndex...>) {
  return requires { T{(static_cast<void>(kIndex), AnyMember{})...}; };
}

// How many members the aggregate T has.
template <class T, size_t kCount = 0>
consteval size_t arity() {
  if constexpr (takes_members<T>(std::make_index_sequence<kCount + 1>())) {
    return arity<T, kCount + 1>();
  } else {
    return kCount;
  }
}

// How many members T's `fields` lists.
template <class T>
size_t listed() {
  T config;
  size_t count = 0;
  T::fields(config, [&count](auto&&...) { ++count; });
  return count;
}

// One line per section of T (nested ones too) that lists fewer or more members than it has.
template <class T>
std::vector<std::string> miscounted_sections(const std::string& path = "config") {
  std::vector<std::string> found;
  if (arity<T>() != listed<T>()) {
    found.push_back(path + " has " + std::to_string(arity<T>()) + " members and lists " +
                    std::to_string(listed<T>()));
  }
  T config;
  T::fields(config, [&]<class Field>(const char* name, Field& field, auto&&...) {
    std::vector<std::string> inner;
    if constexpr (SectionType<Field>) {
      inner = miscounted_sections<Field>(path + "." + name);
    } else if constexpr (requires { field.miscounted_sections(path); }) {
      inner = field.miscounted_sections(path);  // a Choice
    }
    found.insert(found.end(), inner.begin(), inner.end());
  });
  return found;
}

}  // namespace moca::config
