#include "dataset_index.h"

#include <nlohmann/json.hpp>

#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca::data {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const AssetRecord& record) {
  Json views = Json::array();
  for (const auto& camera : record.views) {
    views.push_back({{"azimuth", camera.azimuth},
                     {"elevation", camera.elevation},
                     {"field_of_view", camera.field_of_view},
                     {"distance", camera.distance},
                     {"half_extent", camera.half_extent}});
  }
  return {{"id", record.id},         {"split", record.split},
          {"shard", record.shard},   {"components", record.component_names},
          {"source", record.source}, {"sha256", record.sha256},
          {"views", views}};
}

AssetRecord record_of(const Json& json) {
  AssetRecord record;
  record.id = json.at("id");
  record.split = json.at("split");
  record.shard = json.at("shard");
  record.component_names = json.at("components").get<std::vector<std::string>>();
  record.source = json.at("source");
  record.sha256 = json.at("sha256");
  for (const auto& view : json.at("views")) {
    record.views.push_back({view.at("azimuth"), view.at("elevation"), view.at("field_of_view"),
                            view.at("distance"), view.at("half_extent")});
  }
  return record;
}

}  // namespace

void write_index(const std::filesystem::path& file, const DatasetIndex& index) {
  Json assets = Json::array();
  for (const auto& record : index.records) {
    assets.push_back(json_of(record));
  }
  Json shards = Json::object();
  for (const auto& [name, sum] : index.shards) {
    shards[name] = {{"bytes", sum.bytes}, {"crc32c", sum.crc32c}};
  }
  Json json = {{"schema_version", kSchemaVersion}, {"image_size", index.image_size},
               {"made_by", index.made_by},         {"assets", assets},
               {"left_out", index.left_out},       {"shards", shards}};
  if (!index.finished()) {
    json["unfinished"] = {{"done", index.num_done}, {"of", index.num_assets}};
  }
  write_file(file, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

DatasetIndex read_index(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    throw Error("no prepared dataset at " + file.parent_path().string() +
                " (index.json is missing). Make one: moca prepare-data CONFIG.");
  }
  try {
    const auto json = Json::parse(read_file(file));
    const int version = json.at("schema_version");
    if (version != kSchemaVersion) {
      throw Error(file.string() + ": the dataset has schema version " + std::to_string(version) +
                  ", this program reads version " + std::to_string(kSchemaVersion) +
                  ". Prepare it again: moca prepare-data CONFIG.");
    }
    DatasetIndex index;
    index.image_size = json.at("image_size");
    index.made_by = json.at("made_by");
    for (const auto& asset : json.at("assets")) {
      index.records.push_back(record_of(asset));
    }
    index.left_out = json.value("left_out", std::vector<std::string>());
    const auto shards = json.value("shards", Json::object());
    for (const auto& [name, sum] : shards.items()) {
      index.shards[name] = {sum.at("bytes"), sum.at("crc32c")};
    }
    if (json.contains("unfinished")) {
      index.num_done = json["unfinished"].at("done");
      index.num_assets = json["unfinished"].at("of");
    }
    return index;
  } catch (const Json::exception& failure) {
    throw Error(file.string() + ": not an index of a prepared dataset (" + failure.what() +
                "). Prepare it again: moca prepare-data CONFIG.");
  }
}

}  // namespace moca::data
