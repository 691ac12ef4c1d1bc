#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "moca/checkpoint/safetensors.h"
#include "moca/core/error.h"
#include "src/checkpoint/safetensors_header.h"

namespace moca::checkpoint {

// Every type a file can hold, a scalar and an empty tensor.
inline NamedTensors some_tensors() {
  return {{"double", at::randn({3, 2}, at::kDouble)},
          {"float", at::randn({4, 5})},
          {"half", at::randn({7}).to(at::kHalf)},
          {"bf16", at::randn({2, 2}).to(at::kBFloat16)},
          {"long", at::arange(6)},
          {"int", at::arange(6).to(at::kInt)},
          {"byte", at::arange(3).to(at::kByte)},
          {"bool", at::arange(2).to(at::kBool)},
          {"scalar", at::full({}, 3.5)},
          {"empty", at::zeros({0, 4})}};
}

// The bytes of a file with this header and so many bytes of data.
inline std::string file_bytes(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + std::string(data_bytes, '\x01');
}

// Small files of every kind of header, for mutations to begin with.
inline std::vector<std::string> valid_files() {
  return {file_bytes("{}", 0),
          file_bytes(R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}} )", 24),
          file_bytes(R"({"__metadata__":{"format":"pt","k\u00e4se":"\n"},)"
                     R"("b":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                     R"("a.weight":{"shape":[1,3],"data_offsets":[8,14],"dtype":"BF16"},)"
                     R"("empty":{"dtype":"U8","shape":[4,0],"data_offsets":[14,14]},)"
                     R"("flag":{"dtype":"BOOL","shape":[2],"data_offsets":[14,16]}})",
                     16)};
}

// Reads the header as SafetensorsFile does, without a file.
inline Header parse_bytes(const std::string& bytes) {
  uint64_t length = 0;
  if (bytes.size() < sizeof(length)) {
    throw Error("too short");
  }
  std::memcpy(&length, bytes.data(), sizeof(length));
  check_header_length(length, bytes.size(), "F");
  return parse_header(bytes.substr(sizeof(length), length), bytes.size(), "F");
}

// Damages texts and files at random, reproducibly.
class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t end) { return random_() % end; }

  // One to three damages anywhere.
  std::string text(std::string text) {
    const uint64_t changes = 1 + below(3);
    for (uint64_t i = 0; i < changes; ++i) {
      change(text);
    }
    return text;
  }

  // Half of the files keep a length that fits their damaged header, so that the header itself is
  // looked at.
  std::string file(const std::string& bytes) {
    if (below(2) == 0) {
      return text(bytes);
    }
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    const auto header = text(bytes.substr(sizeof(length), length));
    return file_bytes(header, 0) + bytes.substr(sizeof(length) + length);
  }

 private:
  void change(std::string& text) {
    const size_t place = text.empty() ? 0 : below(text.size());
    const size_t length = std::min<size_t>(below(9), text.size() - place);
    switch (text.empty() ? 3 : below(7)) {
      case 0:
        text[place] = static_cast<char>(text[place] ^ (1 << below(8)));
        break;
      case 1:
        text[place] = static_cast<char>(below(256));
        break;
      case 2:
        text.resize(place);
        break;
      case 3:
        text.insert(place, 1, "{}[]\",:0-9.eE\\\n\xC3"[below(17)]);
        break;
      case 4:
        text.insert(below(text.size()), text.substr(place, length));
        break;
      case 5:
        text.erase(place, length);
        break;
      default:
        change_number(text, place);
    }
  }

  // Replaces the first number from `place` on.
  void change_number(std::string& text, size_t place) {
    static const std::vector<std::string> kNumbers = {"0",
                                                      "1",
                                                      "2",
                                                      "7",
                                                      "24",
                                                      "-1",
                                                      "1e3",
                                                      "4294967296",
                                                      "2147483648",
                                                      "9223372036854775807",
                                                      "-0",
                                                      "1.5",
                                                      "0001",
                                                      "18446744073709551615",
                                                      "[]",
                                                      "null",
                                                      "18446744073709551616"};
    const size_t begin = text.find_first_of("0123456789", place);
    if (begin != std::string::npos) {
      const size_t end = text.find_first_not_of("0123456789", begin);
      text.replace(begin, end == std::string::npos ? end : end - begin,
                   kNumbers[below(kNumbers.size())]);
    }
  }

  std::mt19937_64 random_;
};

}  // namespace moca::checkpoint
