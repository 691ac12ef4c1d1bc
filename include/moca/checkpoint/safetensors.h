#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "moca/core/file_io.h"

namespace moca::checkpoint {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;
// What a header may say about the file as a whole.
using Metadata = std::map<std::string, std::string>;

// A safetensors file, its header read and checked at once, its tensors read at offsets when asked
// for (never mapped: a file truncated under us is an error, not a crash).
class SafetensorsFile {
 public:
  struct Entry {
    at::ScalarType type;
    std::vector<int64_t> shape;
    uint64_t begin;  // bytes from the start of the file
    uint64_t end;
  };

  explicit SafetensorsFile(const std::filesystem::path& file);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, Entry>& entries() const { return entries_; }
  const Metadata& metadata() const { return metadata_; }
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }

  // The whole tensor, on the CPU.
  at::Tensor read(const std::string& name) const;
  // Row `index` of the first axis, without reading the others.
  at::Tensor read_row(const std::string& name, int64_t index) const;
  // Fills `target`, which has the tensor's shape and its type or, both being floating point,
  // another one. Nothing but a small buffer is held besides `target`, on any device.
  void read_into(const std::string& name, const at::Tensor& target) const;
  // Throws an Error at the first NaN or infinity of a floating-point tensor, reading it piece by
  // piece.
  void check_finite(const std::string& name) const;

 private:
  const Entry& entry(const std::string& name) const;
  // Fills the dense CPU tensor `target` with bytes from `begin` on.
  void read_bytes(const std::string& name, uint64_t begin, const at::Tensor& target) const;
  void read_pieces(const std::string& name, uint64_t begin, const at::Tensor& target,
                   const at::Tensor& buffer) const;

  std::filesystem::path path_;
  std::unique_ptr<FileDescriptor> opened_;
  Metadata metadata_;
  std::map<std::string, Entry> entries_;
};

// Writes the tensors (any device, any of F64 F32 F16 BF16 I64 I32 U8 BOOL) under a temporary name,
// flushes to the disk, then renames: the file is there whole or not at all. Python's tools for
// torch expect {{"format", "pt"}} as metadata.
FileSum write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                          const Metadata& metadata = {});

}  // namespace moca::checkpoint
