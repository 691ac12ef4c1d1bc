#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace moca::checkpoint {

enum class JsonKind { kObject, kArray, kEnd, kString, kWholeNumber, kOther };

// One step through a JSON text. An object or array is seen when it begins and when it ends.
struct JsonEvent {
  JsonKind kind;
  const std::vector<std::string>& keys;  // of the objects around it, the outermost first
  int num_arrays;                        // arrays around it
  const std::string& text;               // of a kString
  uint64_t number;                       // of a kWholeNumber: from 0 to 2^64 - 1
};

// Walks through JSON that may be hostile: nothing of it is stored, and what is not JSON or UTF-8,
// names a key twice in an object, is nested deeply or has millions of values is an Error that
// begins with `what`.
void read_json(const std::string& json, const std::string& what,
               const std::function<void(const JsonEvent&)>& visit);

}  // namespace moca::checkpoint
