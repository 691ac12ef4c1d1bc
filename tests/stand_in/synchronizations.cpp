#include "synchronizations.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace moca::stand_in {
namespace {

using Counts = std::map<std::pair<std::string, std::string>, int64_t>;

std::mutex counts_mutex;
Counts counts;

std::string look_up(void* address) {
  Dl_info found;
  if (dladdr(address, &found) == 0 || found.dli_sname == nullptr) {
    return "";
  }
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(found.dli_sname, nullptr, nullptr, &status), &std::free);
  const std::string whole = status == 0 ? name.get() : found.dli_sname;
  return whole.substr(0, whole.find('('));
}

// Looked up once: the dynamic linker goes through all of a library's names for it.
const std::string& function_at(void* address) {
  thread_local std::unordered_map<void*, std::string> known;
  const auto [entry, is_new] = known.try_emplace(address);
  if (is_new) {
    entry->second = look_up(address);
  }
  return entry->second;
}

bool is_of_project(const std::string& function) {
  return function.rfind("moca::", 0) == 0 && function.rfind("moca::stand_in", 0) != 0;
}

// Templates and functions of unnamed namespaces have no name in the dynamic symbol table; whoever
// calls them stands for them.
std::string innermost_function() {
  std::array<void*, 96> frames{};
  const int depth = backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < depth; ++i) {
    if (const auto& name = function_at(frames[i]); is_of_project(name)) {
      return name;
    }
  }
  return "LibTorch's own threads";
}

[[maybe_unused]] const bool kReports =
    std::getenv("MOCA_STAND_IN_REPORT") != nullptr &&
    std::atexit([] { std::fputs(synchronization_table().c_str(), stderr); }) == 0;

}  // namespace

void count_synchronization(const std::string& kind) {
  const auto function = innermost_function();
  const std::lock_guard lock(counts_mutex);
  ++counts[{kind, function}];
}

Counts synchronizations() {
  const std::lock_guard lock(counts_mutex);
  return counts;
}

void forget_synchronizations() {
  const std::lock_guard lock(counts_mutex);
  counts.clear();
}

std::string synchronization_table() {
  std::vector<std::pair<int64_t, std::string>> lines;
  int64_t all = 0;
  for (const auto& [what, count] : synchronizations()) {
    lines.emplace_back(count, what.first + ": " + what.second);
    all += count;
  }
  std::sort(lines.rbegin(), lines.rend());
  std::string table = "synchronizations of host and device: " + std::to_string(all) + "\n";
  for (const auto& [count, what] : lines) {
    auto number = std::to_string(count);
    number.insert(0, 8 - std::min<size_t>(number.size(), 8), ' ');
    table += number + "  " + what + "\n";
  }
  return table;
}

}  // namespace moca::stand_in
