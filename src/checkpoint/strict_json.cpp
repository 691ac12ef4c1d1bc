#include "moca/checkpoint/strict_json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "error_text.h"
#include "moca/core/error.h"

namespace moca::checkpoint {

using Json = nlohmann::json;

// Far above any real file (4 million values describe some 300,000 tensors), far below what would
// fill the memory.
constexpr int kMaxDepth = 16;
constexpr int64_t kMaxValues = 4'000'000;

Json parse_json(const std::string& text, const std::string& what) {
  const auto refuse_syntax = [&](const char* kind, size_t position) {
    throw Error(what + " is not " + kind + " at its byte " + std::to_string(position) +
                ". The file is broken or of another kind.");
  };
  // The parser would take a zero byte for the end of the text.
  if (const auto zero = text.find('\0'); zero != std::string::npos) {
    refuse_syntax("JSON", zero + 1);
  }
  std::vector<std::set<std::string>> keys;  // of the open objects
  int64_t num_values = 0;
  const auto check = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (++num_values > kMaxValues) {
      throw Error(what + " has more than " + std::to_string(kMaxValues) +
                  " values, no real file has. The file is broken or not to be trusted.");
    }
    if ((event == Event::object_start || event == Event::array_start) && depth >= kMaxDepth) {
      throw Error(what + " is nested deeper than " + std::to_string(kMaxDepth) +
                  " levels. The file is broken or not to be trusted.");
    }
    if (event == Event::object_start) {
      keys.emplace_back();
    } else if (event == Event::object_end) {
      keys.pop_back();
    } else if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw Error(what + " names " + in_quotes(parsed.get<std::string>()) + " twice.");
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& mistake) {
    const bool is_encoding = std::string(mistake.what()).find("UTF-8") != std::string::npos;
    refuse_syntax(is_encoding ? "UTF-8" : "JSON", mistake.byte);
    throw;
  } catch (const Json::out_of_range&) {  // 1e999
    throw Error(what + " holds a number that is too large. The file is broken or of another kind.");
  }
}

}  // namespace moca::checkpoint
