#include "json_reader.h"

#include <cmath>
#include <mutex>
#include <set>
#include <utility>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "moca/pretrained/hugging_face_config.h"

namespace moca::pretrained {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 16;

// A file may be read several times for one model.
bool is_news(const std::string& warning) {
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard lock(mutex);
  return told.insert(warning).second;
}

Json parse(const std::filesystem::path& file) {
  const auto keep_shallow = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kMaxDepth) {
      throw Error(file.string() + ": nested deeper than " + std::to_string(kMaxDepth) +
                  " levels. The file is broken or no config.");
    }
    return true;
  };
  try {
    auto json = Json::parse(read_file(file), keep_shallow);
    if (!json.is_object()) {
      throw Error(file.string() + ": expected a JSON object. The file is broken or no config.");
    }
    return json;
  } catch (const Json::exception& mistake) {
    throw Error(file.string() + ": not JSON (" + mistake.what() + ").");
  }
}

}  // namespace

JsonReader::JsonReader(const std::filesystem::path& file) : JsonReader(file, "", parse(file)) {}

JsonReader::JsonReader(std::filesystem::path file, std::string path, Json value)
    : file_(std::move(file)),
      path_(std::move(path)),
      json_(std::move(value)),
      is_export_(json_.contains(kExportedBy)) {}

const Json* JsonReader::find(const char* key) {
  known_.insert(key);
  const auto found = json_.find(key);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

const Json* JsonReader::find_value(const char* key) {
  const Json* value = find(key);
  if (value == nullptr && is_export_) {
    refuse(key,
           "It is in every export: put it back, or write the folder again with moca "
           "convert-weights.");
  }
  return value;
}

bool JsonReader::has(const char* key) { return find(key) != nullptr; }

void JsonReader::refuse(const std::string& key, const std::string& rule) const {
  const auto found = json_.find(key);
  throw Error(file_.string() + ": " + path_ + key + " is " +
              (found == json_.end() ? "missing" : found->dump()) + ". " + rule);
}

int64_t JsonReader::integer(const char* key, int64_t otherwise, int64_t low, int64_t high) {
  const Json* value = find_value(key);
  if (value == nullptr) {
    return otherwise;
  }
  if (!value->is_number_integer() || *value < low || *value > high) {
    refuse(key, "It must be a whole number from " + std::to_string(low) + " to " +
                    std::to_string(high) + ".");
  }
  return value->get<int64_t>();
}

double JsonReader::number(const char* key, double otherwise) {
  const Json* value = find_value(key);
  if (value == nullptr) {
    return otherwise;
  }
  if (!value->is_number() || !std::isfinite(value->get<double>())) {
    refuse(key, "It must be a number.");
  }
  return value->get<double>();
}

bool JsonReader::boolean(const char* key, bool otherwise) {
  const Json* value = find_value(key);
  if (value != nullptr && !value->is_boolean()) {
    refuse(key, "It must be true or false.");
  }
  return value == nullptr ? otherwise : value->get<bool>();
}

std::string JsonReader::text(const char* key, const std::string& otherwise) {
  const Json* value = find_value(key);
  if (value != nullptr && !value->is_string()) {
    refuse(key, "It must be a text.");
  }
  return value == nullptr ? otherwise : value->get<std::string>();
}

std::vector<int64_t> JsonReader::integers(const char* key, int64_t low, int64_t high) {
  const Json* value = find(key);
  std::vector<int64_t> result;
  for (const auto& item : value == nullptr ? Json::array() : *value) {
    if (!value->is_array() || !item.is_number_integer() || item < low || item > high) {
      refuse(key, "It must be a list of whole numbers from " + std::to_string(low) + " to " +
                      std::to_string(high) + ".");
    }
    result.push_back(item.get<int64_t>());
  }
  return result;
}

std::vector<double> JsonReader::numbers(const char* key) {
  const Json* value = find(key);
  std::vector<double> result;
  for (const auto& item : value == nullptr ? Json::array() : *value) {
    if (!value->is_array() || !item.is_number()) {
      refuse(key, "It must be a list of numbers.");
    }
    result.push_back(item.get<double>());
  }
  return result;
}

std::vector<std::string> JsonReader::texts(const char* key) {
  const Json* value = find(key);
  std::vector<std::string> result;
  for (const auto& item : value == nullptr ? Json::array() : *value) {
    if (!value->is_array() || !item.is_string()) {
      refuse(key, "It must be a list of texts.");
    }
    result.push_back(item.get<std::string>());
  }
  return result;
}

JsonReader JsonReader::section(const char* key) {
  const Json* value = find(key);
  if (value != nullptr && !value->is_object()) {
    refuse(key, "It must be an object.");
  }
  JsonReader section(file_, path_ + key + ".", value == nullptr ? Json::object() : *value);
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
