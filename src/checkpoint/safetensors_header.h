#pragma once

#include "moca/checkpoint/safetensors.h"

namespace moca::checkpoint {

constexpr uint64_t kLengthBytes = 8;  // the header's length, before the header

struct Header {
  Metadata metadata;
  std::map<std::string, SafetensorsFile::Entry> entries;
};

// Refuses a header length that no file of `file_size` bytes can have. `file` is for messages.
void check_header_length(uint64_t length, uint64_t file_size, const std::string& file);

// Parses and checks the header of a file of `file_size` bytes: known types, shapes that fill their
// bytes, tensors one after another that neither overlap nor leave a byte out, no name twice.
Header parse_header(const std::string& header, uint64_t file_size, const std::string& file);

// The header of tensors laid out one after another, padded with spaces to a multiple of 8 bytes.
std::string make_header(const NamedTensors& tensors, const Metadata& metadata);

// What keeps a stored tensor from filling `target`, "has the shape [2], the model expects [3]", or
// nothing.
std::string misfit(const SafetensorsFile::Entry& entry, const at::Tensor& target);

}  // namespace moca::checkpoint
