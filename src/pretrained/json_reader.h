#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "moca/config/rules.h"

namespace moca::pretrained {

// A config JSON read key by key; every mistake is an Error that names file and key. As diffusers
// does, keys that begin with "_" are metadata and unknown keys are only warned about. Public
// configs may lack keys; in one that moca wrote (kExportedBy) a missing number, truth value or text
// is an Error, because a default in its place would be another model.
class JsonReader {
 public:
  // `inside`: what stands in the file, where that is not the whole.
  explicit JsonReader(std::filesystem::path file, const nlohmann::json* inside = nullptr);

  // Sets `value` from a key: a number, truth value, text, enum or list, which keeps what it is
  // where the key is missing or null. Whole numbers lie within the rule, without one from 1 to
  // 2^20.
  template <class T>
  void operator()(const char* key, T& value, const config::NumberRule& rule = {}) {
    if constexpr (std::is_enum_v<T>) {
      std::string text = config::name_of(value);
      (*this)(key, text);
      std::vector<std::string> names;
      for (const auto& [name, listed] : enum_names(T{})) {
        if (text == name) {
          value = listed;
          return;
        }
        names.emplace_back(name);
      }
      refuse(key, "It must be one of " + config::braced(names) + ".");
    } else if (const auto* found = find_valid(key, false, nlohmann::json(T()).type(), rule)) {
      value = found->get<T>();
    }
  }
  template <class T>
  void operator()(const char* key, std::vector<T>& values, const config::NumberRule& rule = {}) {
    if (const auto* found = find_valid(key, true, nlohmann::json(T()).type(), rule)) {
      values = found->get<std::vector<T>>();
    }
  }
  void operator()(const char* key, std::array<double, 3>& values);
  // The same as a config struct's `fields` asks for it.
  template <class T, class... Rules>
  void operator()(const char* key, T& value, const char* /*help*/, const Rules&... rules) {
    (*this)(key, value, rules...);
  }
  // Whether the key is there and not null.
  bool has(const char* key) { return find(key) != nullptr; }
  JsonReader section(const char* key);

  // Throws an Error: "FILE: KEY is VALUE. RULE".
  [[noreturn]] void refuse(const std::string& key, const std::string& rule) const;
  // Refuses a key whose value is not `supported`.
  void require(const char* key, const nlohmann::json& supported);
  // Warns of keys that nothing asked for, of each once in the life of the program.
  void warn_unknown() const;

  // Every key that does not begin with "_" with its value as text: numbers, lists and true as JSON,
  // a text without its quotes. Objects are refused.
  std::vector<std::pair<std::string, std::string>> entries();

 private:
  const nlohmann::json* find(const char* key);
  // The value of a key, or null where it is missing: one of this type, or a list of such, whole
  // numbers within the rule.
  const nlohmann::json* find_valid(const char* key, bool is_list, nlohmann::json::value_t type,
                                   const config::NumberRule& rule);

  std::filesystem::path file_;
  std::string path_;
  nlohmann::json json_;
  bool is_export_;
  std::set<std::string> known_;
};

// What JsonReader reads: called with the same keys.
struct JsonWriter {
  nlohmann::ordered_json json;

  template <class T, class... Rest>
  void operator()(const char* key, const T& value, const Rest&... /*help and rules*/) {
    if constexpr (std::is_enum_v<T>) {
      json[key] = config::name_of(value);
    } else {
      json[key] = value;
    }
  }
  void require(const char* key, const nlohmann::json& supported) { json[key] = supported; }
};

}  // namespace moca::pretrained
