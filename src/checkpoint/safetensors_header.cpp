#include "safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "moca/core/error.h"

namespace moca::checkpoint {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<const char*, at::ScalarType>, 8> kTypes = {{
    {"F64", at::kDouble},
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
}};

// JSON of at most this depth: names, fields of an entry, lists of numbers.
constexpr int kMaxDepth = 3;

Json parse_json(const std::string& text, const std::string& file) {
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  std::string mistake;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) {
      throw Error(file + ": the safetensors header is nested deeper than " +
                  std::to_string(kMaxDepth) + " levels. The file is broken or not safetensors.");
    }
    if (event == Json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto name = value.get<std::string>();
      if (!keys.back().insert(name).second) {
        throw Error(file + ": '" + name + "' stands twice in the safetensors header.");
      }
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::exception&) {
    throw Error(file +
                ": the safetensors header is not JSON. The file is broken or not safetensors.");
  }
}

[[noreturn]] void refuse(const std::string& file, const std::string& name, const std::string& why) {
  throw Error(file + ": tensor '" + name + "' " + why + ".");
}

SafetensorsFile::Entry parse_entry(const Json& json, const std::string& name,
                                   const std::string& file) {
  const auto is_list = [&](const char* key) {
    return json.contains(key) && json[key].is_array() &&
           std::all_of(json[key].begin(), json[key].end(),
                       [](const Json& item) { return item.is_number_unsigned(); });
  };
  if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() ||
      !is_list("shape") || !is_list("data_offsets") || json["data_offsets"].size() != 2) {
    refuse(file, name, "needs dtype, shape and data_offsets in the safetensors header");
  }
  const auto type_name = json["dtype"].get<std::string>();
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const auto& known) { return type_name == known.first; });
  if (type == kTypes.end()) {
    refuse(
        file, name,
        "has the type " + type_name + ", supported are F64, F32, F16, BF16, I64, I32, U8 and BOOL");
  }
  SafetensorsFile::Entry entry{type->second,
                               {},
                               json["data_offsets"][0].get<uint64_t>(),
                               json["data_offsets"][1].get<uint64_t>()};
  uint64_t bytes = c10::elementSize(type->second);
  for (const auto& item : json["shape"]) {
    const auto size = item.get<uint64_t>();
    if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) ||
        (size != 0 && bytes > std::numeric_limits<uint64_t>::max() / size)) {
      refuse(file, name, "has an impossible shape");
    }
    bytes *= size;
    entry.shape.push_back(static_cast<int64_t>(size));
  }
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    refuse(file, name,
           "needs " + std::to_string(bytes) + " bytes, its data_offsets [" +
               std::to_string(entry.begin) + ", " + std::to_string(entry.end) +
               "] hold another number");
  }
  return entry;
}

}  // namespace

std::map<std::string, SafetensorsFile::Entry> parse_header(const std::string& header,
                                                           uint64_t data_begin, uint64_t data_size,
                                                           const std::string& file) {
  const Json json = parse_json(header, file);
  if (!json.is_object()) {
    throw Error(file + ": the safetensors header is not a JSON object.");
  }
  std::map<std::string, SafetensorsFile::Entry> entries;
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") {
      continue;
    }
    const auto entry = parse_entry(value, name, file);
    if (entry.end > data_size) {
      refuse(file, name,
             "ends at byte " + std::to_string(entry.end) + " of the data, which has " +
                 std::to_string(data_size) + ": the file is truncated");
    }
    order.emplace_back(entry.begin, name);
    entries.emplace(name, entry);
  }
  std::sort(order.begin(), order.end());
  uint64_t previous_end = 0;
  for (const auto& [begin, name] : order) {
    if (begin < previous_end) {
      refuse(file, name, "overlaps the tensor before it");
    }
    previous_end = std::max(previous_end, entries.at(name).end);
  }
  for (auto& [name, entry] : entries) {
    entry.begin += data_begin;
    entry.end += data_begin;
  }
  return entries;
}

std::string make_header(const NamedTensors& tensors) {
  Json json = Json::object();
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto* type = std::find_if(
        kTypes.begin(), kTypes.end(),
        [&, &t = tensor](const auto& known) { return t.scalar_type() == known.second; });
    TORCH_CHECK(type != kTypes.end(), "write_safetensors: '", name, "' has the unsupported type ",
                tensor.scalar_type());
    TORCH_CHECK(!json.contains(name), "write_safetensors: '", name, "' is named twice");
    json[name] = {{"dtype", type->first},
                  {"shape", tensor.sizes().vec()},
                  {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
  }
  auto text = json.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace moca::checkpoint
