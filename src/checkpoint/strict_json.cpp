#include "moca/checkpoint/strict_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "error_text.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca::checkpoint {

namespace {

using Json = nlohmann::json;

// Far above any real file (4 million values describe some 300,000 tensors), far below what would
// fill the memory.
constexpr size_t kMaxDepth = 16;
constexpr int64_t kMaxValues = 4'000'000;

// Builds the JSON as nlohmann does and refuses what it would let pass. Its own hook, the callback
// of `parse`, looks through an object's neighbours at the end of each: 200,000 tensors take
// minutes.
class StrictParser : public nlohmann::detail::json_sax_dom_parser<Json> {
 public:
  using Base = nlohmann::detail::json_sax_dom_parser<Json>;
  StrictParser(Json& root, const std::string& what) : Base(root), what_(what) {}

  bool start_object(size_t size) {
    open();
    return Base::start_object(size);
  }
  bool start_array(size_t size) {
    open();
    return Base::start_array(size);
  }
  bool key(std::string& name) {
    if (!keys_.back().insert(name).second) {
      throw Error(what_, " names ", in_quotes(name), " twice.");
    }
    return Base::key(name);
  }
  bool end_object() {
    keys_.pop_back();
    return Base::end_object();
  }
  bool end_array() {
    keys_.pop_back();
    return Base::end_array();
  }

 private:
  void open() {
    if (keys_.size() >= kMaxDepth) {
      throw Error(what_, " is nested deeper than ", kMaxDepth,
                  " levels. The file is broken or not to be trusted.");
    }
    keys_.emplace_back();
  }

  const std::string& what_;
  std::vector<std::set<std::string>> keys_;  // of the open objects; none of an array
};

}  // namespace

Json parse_json(const std::string& text, const std::string& what) {
  const auto refuse_syntax = [&](const char* kind, size_t position) {
    throw Error(what, " is not ", kind, " at its byte ", position,
                ". The file is broken or of another kind.");
  };
  // The parser would take a zero byte for the end of the text.
  if (const auto zero = text.find('\0'); zero != std::string::npos) {
    refuse_syntax("JSON", zero + 1);
  }
  if (std::ranges::count(text, ',') > kMaxValues) {
    throw Error(what, " has more than ", kMaxValues,
                " values, no real file has. The file is broken or not to be trusted.");
  }
  Json root;
  StrictParser parser(root, what);
  try {
    Json::sax_parse(text, &parser);
  } catch (const Json::parse_error& mistake) {
    const bool is_encoding = std::string(mistake.what()).find("UTF-8") != std::string::npos;
    refuse_syntax(is_encoding ? "UTF-8" : "JSON", mistake.byte);
  } catch (const Json::out_of_range&) {  // 1e999
    throw Error(what, " holds a number that is too large. The file is broken or of another kind.");
  }
  return root;
}

Json read_json_object(const std::filesystem::path& file) {
  auto json = parse_json(read_file(file), file.string());
  if (!json.is_object()) {
    throw Error(file, ": expected a JSON object. The file is broken or of another kind.");
  }
  return json;
}

}  // namespace moca::checkpoint
