#include "safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "error_text.h"
#include "moca/core/error.h"
#include "strict_json.h"

namespace moca::checkpoint {
namespace {

using Entry = SafetensorsFile::Entry;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // as the reference implementation, safetensors
constexpr size_t kMaxTensors = 200'000;            // of a file we write; we read some more
constexpr size_t kMaxAxes = 64;                    // LibTorch's operators take no more
constexpr const char* kMetadataKey = "__metadata__";

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

bool is_writable(at::ScalarType type) {
  return std::any_of(kTypes.begin(), kTypes.end(),
                     [&](const auto& known) { return known.second == type; });
}

// Collects metadata and entries while the JSON is walked through.
class HeaderReader {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}

  void visit(const JsonEvent& event) {
    if (event.keys.empty()) {
      if (event.kind != JsonKind::kObject && event.kind != JsonKind::kEnd) {
        throw Error(file_ + ": the safetensors header is not a JSON object.");
      }
    } else if (event.keys[0] == kMetadataKey) {
      visit_metadata(event);
    } else if (event.keys.size() == 1) {
      visit_tensor(event);
    } else {
      visit_field(event);
    }
  }

  Header take() { return std::move(header_); }

 private:
  // The fields of one tensor, as far as they were seen.
  struct Fields {
    std::string type;
    std::vector<uint64_t> shape;
    std::vector<uint64_t> offsets;
    std::set<std::string> seen;
  };

  [[noreturn]] void refuse(const std::string& name, const std::string& why) const {
    throw Error(file_ + ": tensor " + in_quotes(name) + " " + why + ".");
  }

  void visit_metadata(const JsonEvent& event) {
    const bool inside = event.keys.size() == 2;
    if (inside && event.kind == JsonKind::kString && event.num_arrays == 0) {
      header_.metadata.emplace(event.keys[1], event.text);
    } else if (inside || (event.kind != JsonKind::kObject && event.kind != JsonKind::kEnd)) {
      throw Error(file_ + ": " + kMetadataKey +
                  " in the safetensors header is not an object of strings.");
    }
  }

  void visit_tensor(const JsonEvent& event) {
    const auto& name = event.keys[0];
    if (event.kind == JsonKind::kObject) {
      fields_ = {};
    } else if (event.kind == JsonKind::kEnd) {
      header_.entries.emplace(name, make_entry(name));
    } else {
      refuse(name, "is not an object with dtype, shape and data_offsets in the safetensors header");
    }
  }

  void visit_field(const JsonEvent& event) {
    const auto &name = event.keys[0], &field = event.keys[1];
    fields_.seen.insert(field);
    if (field == "dtype") {
      if (event.kind != JsonKind::kString) {
        refuse(name, "has a dtype that is not a string");
      }
      fields_.type = event.text;
    } else if (field == "shape") {
      visit_list(event, fields_.shape, kMaxAxes);
    } else if (field == "data_offsets") {
      visit_list(event, fields_.offsets, 2);
    } else {
      refuse(name, "has the unknown field " + in_quotes(field) + " in the safetensors header");
    }
  }

  void visit_list(const JsonEvent& event, std::vector<uint64_t>& list, size_t longest) {
    const bool inside = event.num_arrays == 1;
    if (inside && event.kind == JsonKind::kWholeNumber && list.size() < longest) {
      list.push_back(event.number);
    } else if (inside || (event.kind != JsonKind::kArray && event.kind != JsonKind::kEnd)) {
      refuse(event.keys[0], "has a " + event.keys[1] + " that is not a list of at most " +
                                std::to_string(longest) + " whole numbers from 0 to 2^64 - 1");
    }
  }

  Entry make_entry(const std::string& name) const {
    if (fields_.seen.size() != 3 || fields_.offsets.size() != 2) {
      refuse(name, "needs dtype, shape and two data_offsets in the safetensors header");
    }
    const auto* type = std::find_if(kTypes.begin(), kTypes.end(),
                                    [&](const auto& known) { return fields_.type == known.first; });
    if (type == kTypes.end()) {
      refuse(name, "has the type " + in_quotes(fields_.type) +
                       ", supported are F64, F32, F16, BF16, I64, I32, U8 and BOOL");
    }
    const auto bytes = bytes_of(name, c10::elementSize(type->second));
    const uint64_t begin = fields_.offsets[0], end = fields_.offsets[1];
    if (end < begin || end - begin != bytes) {
      refuse(name, "needs " + std::to_string(bytes) + " bytes, its data_offsets [" +
                       std::to_string(begin) + ", " + std::to_string(end) +
                       "] hold another number");
    }
    return {type->second, {fields_.shape.begin(), fields_.shape.end()}, begin, end};
  }

  // Of a tensor of the shape; also the sizes beside a 0 must multiply to what an int64_t holds.
  uint64_t bytes_of(const std::string& name, uint64_t element_size) const {
    uint64_t bytes = element_size;
    bool empty = false;
    for (const uint64_t size : fields_.shape) {
      empty = empty || size == 0;
      if (size != 0 && bytes > std::numeric_limits<int64_t>::max() / size) {
        refuse(name, "has an impossible shape, larger than any memory");
      }
      bytes *= std::max<uint64_t>(size, 1);
    }
    return empty ? 0 : bytes;
  }

  const std::string& file_;
  Header header_;
  Fields fields_;
};

// Offsets must begin at 0, follow one another and end with the file.
void check_layout(const std::map<std::string, Entry>& entries, uint64_t data_size,
                  const std::string& file) {
  using Item = std::pair<const std::string, Entry>;
  std::vector<const Item*> order;
  order.reserve(entries.size());
  for (const auto& item : entries) {
    order.push_back(&item);
  }
  std::sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t filled = 0;
  for (const auto* item : order) {
    const auto& [name, entry] = *item;
    const auto refuse = [&, &name = name](const std::string& why) {
      throw Error(file + ": tensor " + in_quotes(name) + " " + why + ".");
    };
    if (entry.end > data_size) {
      refuse("ends at byte " + std::to_string(entry.end) + " of the data, which has " +
             std::to_string(data_size) + ": the file is truncated");
    }
    if (entry.begin < filled) {
      refuse("overlaps the tensor before it");
    }
    if (entry.begin > filled) {
      refuse("begins at byte " + std::to_string(entry.begin) + " of the data, bytes from " +
             std::to_string(filled) + " on belong to no tensor");
    }
    filled = entry.end;
  }
  if (filled != data_size) {
    throw Error(file + ": the last " + std::to_string(data_size - filled) +
                " bytes belong to no tensor. The file is broken.");
  }
}

}  // namespace

std::string type_name(at::ScalarType type) {
  const auto* known = std::find_if(kTypes.begin(), kTypes.end(),
                                   [&](const auto& item) { return item.second == type; });
  return known == kTypes.end() ? c10::toString(type) : known->first;
}

void check_header_length(uint64_t length, uint64_t file_size, const std::string& file) {
  if (length > kMaxHeaderBytes || length > file_size - kLengthBytes) {
    throw Error(file + ": the safetensors header claims " + std::to_string(length) +
                " bytes of a file of " + std::to_string(file_size) + ", at most " +
                std::to_string(kMaxHeaderBytes) +
                " are allowed. The file is truncated or not safetensors.");
  }
}

Header parse_header(const std::string& header, uint64_t file_size, const std::string& file) {
  if (header.empty() || header[0] != '{') {
    throw Error(file +
                ": the safetensors header does not begin with '{'. The file is not safetensors.");
  }
  HeaderReader reader(file);
  read_json(header, file + ": the safetensors header",
            [&](const JsonEvent& event) { reader.visit(event); });
  auto parsed = reader.take();
  const uint64_t data_begin = kLengthBytes + header.size();
  check_layout(parsed.entries, file_size - data_begin, file);
  for (auto& [name, entry] : parsed.entries) {
    entry.begin += data_begin;
    entry.end += data_begin;
  }
  return parsed;
}

std::string make_header(const NamedTensors& tensors, const Metadata& metadata) {
  using Json = nlohmann::ordered_json;
  const auto item = [](const std::string& name, const Json& value) {
    return Json(name).dump() + ":" + value.dump();
  };
  std::string text = metadata.empty() ? "" : item(kMetadataKey, metadata);
  std::set<std::string> names = {kMetadataKey};
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    TORCH_CHECK(is_writable(tensor.scalar_type()), "write_safetensors: '", name,
                "' has the unsupported type ", tensor.scalar_type());
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
