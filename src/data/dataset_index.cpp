#include "dataset_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/core/program.h"

namespace moca::data {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLongestValue = 80;  // of a damaged value in a message
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::string prepare_again() { return "Prepare it again: " + command("prepare-data CONFIG") + "."; }

Json json_of(const AssetRecord& record) {
  const auto view_of = [](const mesh::Camera& camera) -> Json {
    return {{"azimuth", camera.azimuth},
            {"elevation", camera.elevation},
            {"field_of_view", camera.field_of_view},
            {"distance", camera.distance},
            {"half_extent", camera.half_extent}};
  };
  return {{"id", record.id},         {"split", record.split},
          {"shard", record.shard},   {"components", record.component_names},
          {"source", record.source}, {"sha256", record.sha256},
          {"stream", record.stream}, {"views", mapped(record.views, view_of)}};
}

// One value of the file and where it stands: "assets[3].views[0].azimuth".
class Entry {
 public:
  Entry(const std::filesystem::path& file, const Json& json, std::string path)
      : file_(file), json_(json), path_(std::move(path)) {}

  Entry at(const char* key) const {
    require(json_.is_object(), "an object");
    const auto path = path_.empty() ? key : path_ + "." + key;
    const auto found = json_.find(key);
    if (found == json_.end()) {
      throw Error(file_, ": ", path, " is missing. ", prepare_again());
    }
    return {file_, *found, path};
  }

  bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

  // The values of an object with their keys.
  std::vector<std::pair<std::string, Entry>> fields() const {
    require(json_.is_object(), "an object");
    std::vector<std::pair<std::string, Entry>> entries;
    for (const auto& [key, value] : json_.items()) {
      entries.emplace_back(key, Entry(file_, value, path_ + "." + key));
    }
    return entries;
  }

  std::vector<Entry> elements() const {
    require(json_.is_array(), "a list");
    std::vector<Entry> entries;
    for (size_t i = 0; i < json_.size(); ++i) {
      entries.emplace_back(file_, json_[i], path_ + "[" + std::to_string(i) + "]");
    }
    return entries;
  }

  std::string text() const {
    require(json_.is_string(), "a text");
    return json_.get<std::string>();
  }

  // One that is safe in a path: it names a folder of an evaluation, or a file beside the index.
  std::string plain_name() const {
    const auto name = text();
    require(is_plain_name(name), "a name without '/' and control characters");
    return name;
  }

  int64_t whole_number(int64_t low, int64_t high) const {
    require(json_.is_number_integer() && json_ >= low && json_ <= high,
            "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return json_.get<int64_t>();
  }

  float number() const {
    require(json_.is_number() && std::isfinite(json_.get<float>()), "a number");
    return json_.get<float>();
  }

  void require(bool fulfilled, const std::string& rule) const {
    if (!fulfilled) {
      const auto shown = json_.dump(-1, ' ', false, Json::error_handler_t::replace);
      throw Error(file_, ": ", (path_.empty() ? "the whole file" : path_), " must be ", rule,
                  ", got ", shown.substr(0, kLongestValue), ". ", prepare_again());
    }
  }

 private:
  const std::filesystem::path& file_;
  const Json& json_;
  std::string path_;
};

mesh::Camera camera_of(const Entry& view) {
  return {view.at("azimuth").number(), view.at("elevation").number(),
          view.at("field_of_view").number(), view.at("distance").number(),
          view.at("half_extent").number()};
}

AssetRecord record_of(const Entry& asset) {
  AssetRecord record;
  record.id = asset.at("id").plain_name();
  record.split = asset.at("split").plain_name();
  record.shard = asset.at("shard").plain_name();
  const auto components = asset.at("components");
  record.component_names = mapped(components.elements(), &Entry::text);
  components.require(record.num_components() > 0, "a list that is not empty");
  record.source = asset.at("source").text();
  record.sha256 = asset.at("sha256").text();
  record.stream = asset.at("stream").whole_number(-kMax, kMax);
  record.views = mapped(asset.at("views").elements(), camera_of);
  return record;
}

void read_progress(const Entry& whole, DatasetIndex& index) {
  index.left_out = mapped(whole.at("left_out").elements(), &Entry::text);
  for (const auto& [name, sum] : whole.at("shards").fields()) {
    index.shards[name] = {static_cast<uint64_t>(sum.at("bytes").whole_number(0, kMax)),
                          static_cast<uint32_t>(sum.at("crc32c").whole_number(
                              0, std::numeric_limits<uint32_t>::max()))};
  }
  if (whole.has("unfinished")) {
    const auto unfinished = whole.at("unfinished");
    index.num_assets = unfinished.at("of").whole_number(1, std::numeric_limits<int32_t>::max());
    index.num_done = unfinished.at("done").whole_number(0, index.num_assets - 1);
    index.source_sum = unfinished.at("source_sum").text();
  }
}

Json parsed(const std::filesystem::path& file, const std::string& text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& failure) {
    throw Error(file, ": not an index of a prepared dataset (", failure.what(), "). ",
                prepare_again());
  }
}

}  // namespace

bool is_plain_name(const std::string& name) {
  const bool is_printable = std::ranges::all_of(name, [](unsigned char c) { return c >= ' '; });
  return !name.empty() && name != "." && name != ".." && is_printable &&
         name.find('/') == std::string::npos;
}

void write_index(const std::filesystem::path& file, const DatasetIndex& index) {
  Json shards = Json::object();
  for (const auto& [name, sum] : index.shards) {
    shards[name] = {{"bytes", sum.bytes}, {"crc32c", sum.crc32c}};
  }
  Json json = {{"schema_version", kSchemaVersion}, {"image_size", index.image_size},
               {"made_by", index.made_by},         {"assets", mapped(index.records, json_of)},
               {"left_out", index.left_out},       {"shards", shards}};
  if (!index.finished()) {
    json["unfinished"] = {
        {"done", index.num_done}, {"of", index.num_assets}, {"source_sum", index.source_sum}};
  }
  write_file(file, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string text_of(const AssetRecord& record) {
  return json_of(record).dump(-1, ' ', false, Json::error_handler_t::replace);
}

AssetRecord record_of(const std::string& text, const std::filesystem::path& file) {
  const auto json = parsed(file, text);
  return record_of(Entry(file, json, ""));
}

std::string as_stored(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

DatasetIndex read_index(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    throw Error("no prepared dataset at ", file.parent_path(),
                " (index.json is missing). Make one: ", command("prepare-data CONFIG"), ".");
  }
  const auto json = parsed(file, read_file(file));
  const Entry whole(file, json, "");
  const int64_t version = whole.at("schema_version").whole_number(0, 1 << 20);
  if (version != kSchemaVersion) {
    throw Error(file, ": the dataset has schema version ", version, ", this program reads version ",
                kSchemaVersion, ". ", prepare_again());
  }
  DatasetIndex index;
  index.image_size = whole.at("image_size").whole_number(0, 1 << 16);
  index.made_by = whole.at("made_by").text();
  std::set<std::string> ids;
  for (const auto& asset : whole.at("assets").elements()) {
    index.records.push_back(record_of(asset));
    asset.at("id").require(ids.insert(index.records.back().id).second, "no other asset's id");
  }
  read_progress(whole, index);
  return index;
}

}  // namespace moca::data
