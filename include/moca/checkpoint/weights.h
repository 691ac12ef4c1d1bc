#pragma once

#include "moca/checkpoint/safetensors.h"

namespace moca::checkpoint {

// The tensors of one safetensors file, or of the shards that an index lists
// (X.safetensors.index.json, as huggingface writes it), under one set of names.
class Weights {
 public:
  // Opens X.safetensors, or X.safetensors.index.json and every shard it names: each tensor must be
  // in the shard that the index says and in no other.
  explicit Weights(const std::filesystem::path& file_or_index);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, SafetensorsFile::Entry>& entries() const { return entries_; }
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }

  // As the functions of SafetensorsFile.
  at::Tensor read(const std::string& name) const;
  void read_into(const std::string& name, const at::Tensor& target) const;
  void check_finite(const std::string& name) const;

 private:
  const SafetensorsFile& file_of(const std::string& name) const;

  std::filesystem::path path_;
  std::map<std::string, SafetensorsFile> shards_;           // by the names of their files
  std::map<std::string, const SafetensorsFile*> shard_of_;  // by the names of tensors
  std::map<std::string, SafetensorsFile::Entry> entries_;
};

// Writes `file` (X.safetensors) or, where the tensors hold more than `max_shard_bytes`, the shards
// X-00001-of-0000N.safetensors and X.safetensors.index.json, as huggingface does. Tensors keep
// their order and are not split.
void write_weights(const std::filesystem::path& file, const NamedTensors& tensors,
                   uint64_t max_shard_bytes);

}  // namespace moca::checkpoint
