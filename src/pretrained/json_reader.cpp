#include "json_reader.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "moca/checkpoint/strict_json.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/pretrained/hugging_face_config.h"

namespace moca::pretrained {
namespace {

using Json = nlohmann::json;

// One value of a type in words, and several of a list.
const std::map<Json::value_t, std::pair<std::string, std::string>> kWords = {
    {Json::value_t::boolean, {"true or false", ""}},
    {Json::value_t::string, {"a text", "texts"}},
    {Json::value_t::number_integer, {"a whole number", "whole numbers"}},
    {Json::value_t::number_float, {"a number", "numbers"}},
};

}  // namespace

JsonReader::JsonReader(std::filesystem::path file, const Json* inside)
    : file_(std::move(file)),
      json_(inside == nullptr ? checkpoint::read_json_object(file_) : *inside),
      is_export_(json_.contains(kExportedBy)) {}

const Json* JsonReader::find(const char* key) {
  known_.insert(key);
  const auto found = json_.find(key);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

void JsonReader::refuse(const std::string& key, const std::string& rule) const {
  const auto found = json_.find(key);
  throw Error(file_, ": ", path_, key, " is ", (found == json_.end() ? "missing" : found->dump()),
              ". ", rule);
}

const Json* JsonReader::find_valid(const char* key, bool is_list, Json::value_t type,
                                   const config::NumberRule& rule) {
  const Json* found = find(key);
  if (found == nullptr && is_export_ && !is_list) {
    refuse(key,
           "It is in every export: put it back, or write the folder again with moca "
           "convert-weights.");
  }
  if (found == nullptr) {
    return nullptr;
  }
  const bool whole = type == Json::value_t::number_integer;
  const auto low = std::isfinite(rule.low) ? static_cast<int64_t>(rule.low) : 1;
  const auto high = std::isfinite(rule.high) ? static_cast<int64_t>(rule.high) : 1 << 20;
  const auto accepts = [&](const Json& json) {
    if (whole) {
      return json.is_number_integer() && json >= low && json <= high;
    }
    return type == Json::value_t::number_float
               ? json.is_number() && std::isfinite(json.get<double>())
               : json.type() == type;
  };
  if (is_list ? !found->is_array() || !std::ranges::all_of(*found, accepts) : !accepts(*found)) {
    const auto& [one, several] = kWords.at(type);
    const auto range = " from " + std::to_string(low) + " to " + std::to_string(high);
    refuse(key,
           "It must be " + (is_list ? "a list of " + several : one) + (whole ? range : "") + ".");
  }
  return found;
}

void JsonReader::operator()(const char* key, std::array<double, 3>& values) {
  std::vector<double> list(values.begin(), values.end());
  (*this)(key, list);
  if (list.size() != values.size()) {
    refuse(key, "It must have 3 numbers.");
  }
  std::ranges::copy(list, values.begin());
}

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
  static std::mutex mutex;
  static std::set<std::string> told;  // a file may be read several times for one model
  const std::lock_guard lock(mutex);
  for (const auto& [key, value] : json_.items()) {
    const auto warning = file_.string() + ": " + path_ + key + " is unknown and ignored";
    if (!key.starts_with('_') && known_.count(key) == 0 && told.insert(warning).second) {
      log::warn(warning);
    }
  }
}

}  // namespace moca::pretrained
