#include "strict_json.h"

#include <nlohmann/json.hpp>
#include <set>

#include "error_text.h"
#include "moca/core/error.h"

namespace moca::checkpoint {
namespace {

using Json = nlohmann::json;

// Far above any real file (4 million values describe some 300,000 tensors), far below what would
// fill the memory.
constexpr size_t kMaxDepth = 16;
constexpr int64_t kMaxValues = 4'000'000;

// What nlohmann::json calls while it parses; every function returns whether to go on.
class Walker {
 public:
  Walker(const std::string& what, const std::function<void(const JsonEvent&)>& visit)
      : what_(what), visit_(visit) {}

  bool null() { return value(JsonKind::kOther); }
  bool boolean(bool /*value*/) { return value(JsonKind::kOther); }
  bool number_integer(int64_t /*negative*/) { return value(JsonKind::kOther); }
  bool number_unsigned(uint64_t number) { return value(JsonKind::kWholeNumber, number); }
  bool number_float(double /*value*/, const std::string& /*text*/) {
    return value(JsonKind::kOther);
  }
  bool string(const std::string& text) { return value(JsonKind::kString, 0, text); }
  bool binary(const Json::binary_t& /*never in a text*/) { return value(JsonKind::kOther); }

  bool start_object(size_t /*unknown*/) {
    value(JsonKind::kObject);
    open_.push_back(true);
    keys_.emplace_back();
    seen_.emplace_back();
    return within_depth();
  }

  bool key(const std::string& name) {
    count();
    if (!seen_.back().insert(name).second) {
      throw Error(what_ + " names " + in_quotes(name) + " twice.");
    }
    keys_.back() = name;
    return true;
  }

  bool end_object() {
    open_.pop_back();
    keys_.pop_back();
    seen_.pop_back();
    return value(JsonKind::kEnd);
  }

  bool start_array(size_t /*unknown*/) {
    value(JsonKind::kArray);
    open_.push_back(false);
    return within_depth();
  }

  bool end_array() {
    open_.pop_back();
    return value(JsonKind::kEnd);
  }

  bool parse_error(size_t position, const std::string& /*token*/, const Json::exception& mistake) {
    const bool encoding = std::string(mistake.what()).find("UTF-8") != std::string::npos;
    throw Error(what_ + " is not " + (encoding ? "UTF-8" : "JSON") + " at its byte " +
                std::to_string(position) + ". The file is broken or of another kind.");
  }

 private:
  bool value(JsonKind kind, uint64_t number = 0, const std::string& text = "") {
    count();
    const auto num_arrays = static_cast<int>(open_.size() - keys_.size());
    visit_({kind, keys_, num_arrays, text, number});
    return true;
  }

  void count() {
    if (++num_values_ > kMaxValues) {
      throw Error(what_ + " has more than " + std::to_string(kMaxValues) +
                  " values, no real file has. The file is broken or made to do harm.");
    }
  }

  bool within_depth() const {
    if (open_.size() > kMaxDepth) {
      throw Error(what_ + " is nested deeper than " + std::to_string(kMaxDepth) +
                  " levels. The file is broken or made to do harm.");
    }
    return true;
  }

  const std::string& what_;
  const std::function<void(const JsonEvent&)>& visit_;
  std::vector<bool> open_;  // what is open: true for an object, false for an array
  std::vector<std::string> keys_;
  std::vector<std::set<std::string>> seen_;  // keys of the open objects
  int64_t num_values_ = 0;
};

}  // namespace

void read_json(const std::string& json, const std::string& what,
               const std::function<void(const JsonEvent&)>& visit) {
  // The parser would take a zero byte for the end of the text.
  if (const auto zero = json.find('\0'); zero != std::string::npos) {
    throw Error(what + " is not JSON at its byte " + std::to_string(zero + 1) +
                ". The file is broken or of another kind.");
  }
  Walker walker(what, visit);
  Json::sax_parse(json, &walker);
}

}  // namespace moca::checkpoint
