#include "safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <tuple>

#include "error_text.h"
#include "moca/checkpoint/strict_json.h"
#include "moca/core/error.h"

namespace moca::checkpoint {
namespace {

using Entry = SafetensorsFile::Entry;
using Json = nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // as the reference implementation, safetensors
constexpr size_t kMaxTensors = 200'000;            // of a file we write; we read some more
constexpr size_t kMaxAxes = 64;                    // LibTorch's operators take no more
constexpr const char* kMetadataKey = "__metadata__";

using NamedType = std::pair<std::string_view, at::ScalarType>;
constexpr std::array<NamedType, 8> kTypes = {{
    {"F64", at::kDouble},
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
}};

std::string described(const std::string& file, const std::string& name) {
  return file + ": tensor " + in_quotes(name);
}

template <class... Parts>
[[noreturn]] void refuse(const std::string& tensor, const Parts&... why) {
  throw Error(tensor, " ", why..., ".");
}

Metadata metadata_of(const Json& json, const std::string& file) {
  const auto is_text = [](const Json& value) { return value.is_string(); };
  if (!json.is_object() || !std::ranges::all_of(json, is_text)) {
    throw Error(file, ": ", kMetadataKey,
                " in the safetensors header is not an object of strings.");
  }
  return json.get<Metadata>();
}

std::vector<uint64_t> list_of(const Json& fields, const char* name, size_t longest,
                              const std::string& tensor) {
  const Json list = fields.value(name, Json::array());
  const auto is_whole = [](const Json& value) { return value.is_number_unsigned(); };
  if (!list.is_array() || list.size() > longest || !std::ranges::all_of(list, is_whole)) {
    refuse(tensor, "has a ", name, " that is not a list of at most ", longest,
           " whole numbers from 0 to 2^64 - 1");
  }
  return list.get<std::vector<uint64_t>>();
}

// Of a tensor of the shape; also the sizes beside a 0 must multiply to what an int64_t holds.
uint64_t bytes_of(const std::vector<uint64_t>& shape, uint64_t element_size,
                  const std::string& tensor) {
  uint64_t bytes = element_size;
  for (const uint64_t size : shape) {
    if (size != 0 && bytes > std::numeric_limits<int64_t>::max() / size) {
      refuse(tensor, "has an impossible shape, larger than any memory");
    }
    bytes *= std::max<uint64_t>(size, 1);
  }
  return std::ranges::count(shape, 0U) == 0 ? bytes : 0;
}

// What the header's fields say of one tensor, which messages call `tensor`.
Entry entry_of(const Json& fields, const std::string& tensor) {
  if (!fields.is_object()) {
    refuse(tensor, "is not an object with dtype, shape and data_offsets in the safetensors header");
  }
  for (const auto& [field, value] : fields.items()) {
    if (field != "dtype" && field != "shape" && field != "data_offsets") {
      refuse(tensor, "has the unknown field ", in_quotes(field), " in the safetensors header");
    }
  }
  const Json dtype = fields.value("dtype", Json(""));
  if (!dtype.is_string()) {
    refuse(tensor, "has a dtype that is not a string");
  }
  const auto shape = list_of(fields, "shape", kMaxAxes, tensor);
  const auto offsets = list_of(fields, "data_offsets", 2, tensor);
  if (fields.size() != 3 || offsets.size() != 2) {
    refuse(tensor, "needs dtype, shape and two data_offsets in the safetensors header");
  }
  const auto* type = std::ranges::find(kTypes, dtype.get<std::string>(), &NamedType::first);
  if (type == kTypes.end()) {
    refuse(tensor, "has the type ", in_quotes(dtype),
           ", supported are F64, F32, F16, BF16, I64, I32, U8 and BOOL");
  }
  const auto bytes = bytes_of(shape, c10::elementSize(type->second), tensor);
  const uint64_t begin = offsets[0], end = offsets[1];
  if (end < begin || end - begin != bytes) {
    refuse(tensor, "needs ", bytes, " bytes, its data_offsets [", begin, ", ", end,
           "] hold another number");
  }
  return {type->second, {shape.begin(), shape.end()}, begin, end};
}

// Offsets must begin at 0, follow one another and end with the file.
void check_layout(const std::map<std::string, Entry>& entries, uint64_t data_size,
                  const std::string& file) {
  std::vector<std::tuple<uint64_t, uint64_t, std::string>> order;
  for (const auto& [name, entry] : entries) {
    order.emplace_back(entry.begin, entry.end, name);
  }
  std::ranges::sort(order);
  uint64_t filled = 0;
  for (const auto& [begin, end, name] : order) {
    if (end > data_size) {
      refuse(described(file, name), "ends at byte ", end, " of the data, which has ", data_size,
             ": the file is truncated");
    }
    if (begin < filled) {
      refuse(described(file, name), "overlaps the tensor before it");
    }
    if (begin > filled) {
      refuse(described(file, name), "begins at byte ", begin, " of the data, bytes from ", filled,
             " on belong to no tensor");
    }
    filled = end;
  }
  if (filled != data_size) {
    throw Error(file, ": the last ", data_size - filled,
                " bytes belong to no tensor. The file is broken.");
  }
}

// F32
std::string type_name(at::ScalarType type) {
  const auto* known = std::ranges::find(kTypes, type, &NamedType::second);
  return known == kTypes.end() ? c10::toString(type) : std::string(known->first);
}

}  // namespace

std::string misfit(const SafetensorsFile::Entry& entry, const at::Tensor& target) {
  if (target.sizes() != at::IntArrayRef(entry.shape)) {
    return "has the shape " + c10::str(at::IntArrayRef(entry.shape)) + ", the model expects " +
           c10::str(target.sizes());
  }
  const auto type = target.scalar_type();
  if (type != entry.type && !(at::isFloatingType(type) && at::isFloatingType(entry.type))) {
    return "holds " + type_name(entry.type) + ", the model expects " + type_name(type);
  }
  return "";
}

void check_header_length(uint64_t length, uint64_t file_size, const std::string& file) {
  if (length > kMaxHeaderBytes || length > file_size - kLengthBytes) {
    throw Error(file, ": the safetensors header claims ", length, " bytes of a file of ", file_size,
                ", at most ", kMaxHeaderBytes,
                " are allowed. The file is truncated or not safetensors.");
  }
}

Header parse_header(const std::string& header, uint64_t file_size, const std::string& file) {
  if (header.empty() || header[0] != '{') {
    throw Error(file,
                ": the safetensors header does not begin with '{'. The file is not safetensors.");
  }
  Header parsed;
  const Json json = parse_json(header, file + ": the safetensors header");
  for (const auto& [name, value] : json.items()) {
    if (name == kMetadataKey) {
      parsed.metadata = metadata_of(value, file);
    } else {
      parsed.entries.emplace(name, entry_of(value, described(file, name)));
    }
  }
  const uint64_t data_begin = kLengthBytes + header.size();
  check_layout(parsed.entries, file_size - data_begin, file);
  for (auto& [name, entry] : parsed.entries) {
    entry.begin += data_begin;
    entry.end += data_begin;
  }
  return parsed;
}

std::string make_header(const NamedTensors& tensors, const Metadata& metadata) {
  const auto item = [](const std::string& name, const nlohmann::ordered_json& value) {
    return Json(name).dump() + ":" + value.dump();
  };
  std::string text = metadata.empty() ? "" : item(kMetadataKey, metadata);
  std::set<std::string> names = {kMetadataKey};
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    TORCH_CHECK(std::ranges::count(kTypes, tensor.scalar_type(), &NamedType::second) == 1,
                "write_safetensors: '", name, "' has the unsupported type ", tensor.scalar_type());
    TORCH_CHECK(names.insert(name).second, "write_safetensors: '", name,
                "' is named twice or reserved");
    const auto end = offset + tensor.nbytes();
    text += text.empty() ? "" : ",";
    text += item(name, {{"dtype", type_name(tensor.scalar_type())},
                        {"shape", tensor.sizes().vec()},
                        {"data_offsets", {offset, end}}});
    offset = end;
  }
  text = "{" + text + "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  TORCH_CHECK(text.size() <= kMaxHeaderBytes && tensors.size() <= kMaxTensors,
              "write_safetensors: ", tensors.size(), " tensors with a header of ", text.size(),
              " bytes are too many for one file");
  return text;
}

}  // namespace moca::checkpoint
