#include "json_reader.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <utility>

#include "moca/checkpoint/strict_json.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/pretrained/hugging_face_config.h"

namespace moca::pretrained {
namespace {

using Json = nlohmann::json;

// A file may be read several times for one model.
bool is_news(const std::string& warning) {
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard lock(mutex);
  return told.insert(warning).second;
}

Json parse(const std::filesystem::path& file) {
  auto json = checkpoint::parse_json(read_file(file), file.string());
  if (!json.is_object()) {
    throw Error(file.string() + ": expected a JSON object. The file is broken or no config.");
  }
  return json;
}

// What a value of this type is in JSON, and in words.
template <class T>
struct Kind {
  explicit Kind(const config::NumberRule& rule) {
    if constexpr (std::is_same_v<T, bool>) {
      one = "true or false";
    } else if constexpr (std::is_same_v<T, std::string>) {
      one = "a text", several = "texts";
    } else if constexpr (std::is_integral_v<T>) {
      one = "a whole number", several = "whole numbers";
      low = std::isfinite(rule.low) ? static_cast<int64_t>(rule.low) : 1;
      high = std::isfinite(rule.high) ? static_cast<int64_t>(rule.high) : 1 << 20;
      range = " from " + std::to_string(low) + " to " + std::to_string(high);
    } else {
      one = "a number", several = "numbers";
    }
  }

  bool accepts(const Json& json) const {
    if constexpr (std::is_same_v<T, bool>) {
      return json.is_boolean();
    } else if constexpr (std::is_same_v<T, std::string>) {
      return json.is_string();
    } else if constexpr (std::is_integral_v<T>) {
      return json.is_number_integer() && json >= low && json <= high;
    } else {
      return json.is_number() && std::isfinite(json.get<double>());
    }
  }

  bool accepts_all(const Json& list) const {
    return list.is_array() && std::all_of(list.begin(), list.end(),
                                          [this](const Json& item) { return accepts(item); });
  }

  std::string one, several, range;
  int64_t low = 0, high = 0;
};

}  // namespace

JsonReader::JsonReader(std::filesystem::path file, const Json* inside)
    : file_(std::move(file)),
      json_(inside == nullptr ? parse(file_) : *inside),
      is_export_(json_.contains(kExportedBy)) {}

const Json* JsonReader::find(const char* key) {
  known_.insert(key);
  const auto found = json_.find(key);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

bool JsonReader::has(const char* key) { return find(key) != nullptr; }

void JsonReader::refuse(const std::string& key, const std::string& rule) const {
  const auto found = json_.find(key);
  throw Error(file_.string() + ": " + path_ + key + " is " +
              (found == json_.end() ? "missing" : found->dump()) + ". " + rule);
}

template <class T>
void JsonReader::read(const char* key, T& value, const config::NumberRule& rule) {
  const Json* found = find(key);
  if (found == nullptr && is_export_) {
    refuse(key,
           "It is in every export: put it back, or write the folder again with moca "
           "convert-weights.");
  }
  if (found == nullptr) {
    return;
  }
  const Kind<T> kind(rule);
  if (!kind.accepts(*found)) {
    refuse(key, "It must be " + kind.one + kind.range + ".");
  }
  value = found->get<T>();
}

template <class T>
void JsonReader::read(const char* key, std::vector<T>& values, const config::NumberRule& rule) {
  const Json* found = find(key);
  if (found == nullptr) {
    return;
  }
  const Kind<T> kind(rule);
  if (!kind.accepts_all(*found)) {
    refuse(key, "It must be a list of " + kind.several + kind.range + ".");
  }
  values = found->get<std::vector<T>>();
}

void JsonReader::read(const char* key, std::array<double, 3>& values,
                      const config::NumberRule& rule) {
  std::vector<double> list(values.begin(), values.end());
  read(key, list, rule);
  if (list.size() != values.size()) {
    refuse(key, "It must have 3 numbers.");
  }
  std::copy(list.begin(), list.end(), values.begin());
}

template void JsonReader::read(const char*, bool&, const config::NumberRule&);
template void JsonReader::read(const char*, int&, const config::NumberRule&);
template void JsonReader::read(const char*, int64_t&, const config::NumberRule&);
template void JsonReader::read(const char*, double&, const config::NumberRule&);
template void JsonReader::read(const char*, std::string&, const config::NumberRule&);
template void JsonReader::read(const char*, std::vector<int64_t>&, const config::NumberRule&);
template void JsonReader::read(const char*, std::vector<double>&, const config::NumberRule&);
template void JsonReader::read(const char*, std::vector<std::string>&, const config::NumberRule&);

JsonReader JsonReader::section(const char* key) {
  const Json* value = find(key);
  if (value != nullptr && !value->is_object()) {
    refuse(key, "It must be an object.");
  }
  const Json nothing = Json::object();
  JsonReader section(file_, value == nullptr ? &nothing : value);
  section.path_ = path_ + key + ".";
  section.is_export_ = is_export_;
  return section;
}

std::vector<std::pair<std::string, std::string>> JsonReader::entries() {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& [key, value] : json_.items()) {
    if (key.starts_with('_')) {
      continue;
    }
    known_.insert(key);
    if (value.is_object() || value.is_null()) {
      refuse(key, "It must be a number, true, false, a text or a list.");
    }
    result.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return result;
}

void JsonReader::require(const char* key, const Json& supported) {
  const Json* value = find(key);
  if (value != nullptr && *value != supported) {
    refuse(key, "Only " + supported.dump() + " is supported.");
  }
}

void JsonReader::warn_unknown() const {
  for (const auto& [key, value] : json_.items()) {
    const auto warning = file_.string() + ": " + path_ + key + " is unknown and ignored";
    if (key.rfind('_', 0) != 0 && known_.count(key) == 0 && is_news(warning)) {
      log::warn(warning);
    }
  }
}

}  // namespace moca::pretrained
