#pragma once

#include <map>
#include <string>

#include "moca/checkpoint/safetensors.h"

namespace moca::checkpoint {

// Parses and checks a safetensors header: known types, shapes that fill their bytes, offsets that
// lie in `data_size` bytes and do not overlap, no name twice. Offsets become absolute by adding
// `data_begin`.
std::map<std::string, SafetensorsFile::Entry> parse_header(const std::string& header,
                                                           uint64_t data_begin, uint64_t data_size,
                                                           const std::string& file);

// The header of tensors laid out one after another, padded with spaces to a multiple of 8 bytes.
std::string make_header(const NamedTensors& tensors);

}  // namespace moca::checkpoint
