#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/rules.h"

namespace moca::pretrained {

// A config JSON read key by key; every mistake is an Error that names file and key. As diffusers
// does, keys that begin with "_" are metadata and unknown keys are only warned about. Public
// configs may lack keys; in one that moca wrote (kExportedBy) a missing number, truth value or text
// is an Error, because a default in its place would be another model.
class JsonReader {
 public:
  explicit JsonReader(const std::filesystem::path& file);
  // `value` is what stands in `file` under the key `path`, or the whole file.
  JsonReader(std::filesystem::path file, std::string path, nlohmann::json value);

  // The value of a key; `otherwise` where it is missing or null. Whole numbers must lie in
  // [low, high].
  int64_t integer(const char* key, int64_t otherwise, int64_t low = 1, int64_t high = 1 << 20);
  double number(const char* key, double otherwise);
  bool boolean(const char* key, bool otherwise);
  std::string text(const char* key, const std::string& otherwise);
  std::vector<int64_t> integers(const char* key, int64_t low, int64_t high);
  std::vector<double> numbers(const char* key);
  std::vector<std::string> texts(const char* key);
  // Whether the key is there and not null.
  bool has(const char* key);
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

  const std::filesystem::path& file() const { return file_; }

 private:
  const nlohmann::json* find(const char* key);
  const nlohmann::json* find_value(const char* key);  // one that an export must have

  std::filesystem::path file_;
  std::string path_;
  nlohmann::json json_;
  bool is_export_;
  std::set<std::string> known_;
};

// The value of a key that names one of an enum's values.
template <class Enum>
Enum enum_of(JsonReader& json, const char* key, Enum otherwise) {
  const auto text = json.text(key, config::name_of(otherwise));
  std::vector<std::string> names;
  for (const auto& [name, value] : enum_names(Enum{})) {
    if (text == name) {
      return value;
    }
    names.emplace_back(name);
  }
  json.refuse(key, "It must be one of " + config::braced(names) + ".");
}

}  // namespace moca::pretrained
