#include "moca/checkpoint/safetensors.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "safetensors_header.h"

namespace moca::checkpoint {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file) : path_(file) {
  FileDescriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (opened.get() < 0 || fstat(opened.get(), &status) != 0) {
    throw Error("cannot read " + file.string() + ": " + std::strerror(errno) + ".");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error("cannot read " + file.string() + ": it is not a file.");
  }
  const auto size = static_cast<uint64_t>(status.st_size);
  uint64_t length = 0;
  if (size < kLengthBytes) {
    throw Error(file.string() + ": " + std::to_string(size) +
                " bytes are too few for a safetensors file.");
  }
  read_exactly(opened.get(), &length, kLengthBytes, 0, file);
  if (length > size - kLengthBytes || length > kMaxHeaderBytes) {
    throw Error(file.string() + ": the safetensors header claims " + std::to_string(length) +
                " bytes of a file of " + std::to_string(size) +
                ". The file is truncated or not safetensors.");
  }
  std::string header(length, '\0');
  read_exactly(opened.get(), header.data(), length, kLengthBytes, file);
  const uint64_t data_begin = kLengthBytes + length;
  entries_ = parse_header(header, data_begin, size - data_begin, file.string());
  descriptor_ = opened.release();
}

SafetensorsFile::~SafetensorsFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

SafetensorsFile::SafetensorsFile(SafetensorsFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      entries_(std::move(other.entries_)) {}

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw Error(path_.string() + ": holds no tensor '" + name + "'.");
  }
  return found->second;
}

at::Tensor SafetensorsFile::read_bytes(const std::string& name, at::ScalarType type,
                                       const std::vector<int64_t>& shape, uint64_t begin) const {
  auto tensor = at::empty(shape, at::TensorOptions().dtype(type));
  read_exactly(descriptor_, tensor.data_ptr(), tensor.nbytes(), begin,
               path_.string() + ", " + name);
  return tensor;
}

at::Tensor SafetensorsFile::read(const std::string& name) const {
  const auto& found = entry(name);
  return read_bytes(name, found.type, found.shape, found.begin);
}

at::Tensor SafetensorsFile::read_row(const std::string& name, int64_t index) const {
  const auto& found = entry(name);
  TORCH_CHECK(!found.shape.empty() && index >= 0 && index < found.shape[0], "row ", index, " of '",
              name, "' ", at::IntArrayRef(found.shape));
  const uint64_t row_bytes = (found.end - found.begin) / static_cast<uint64_t>(found.shape[0]);
  return read_bytes(name, found.type, {found.shape.begin() + 1, found.shape.end()},
                    found.begin + row_bytes * static_cast<uint64_t>(index));
}

void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors) {
  const std::string header = make_header(tensors);
  const uint64_t length = header.size();
  AtomicFile target(file);
  target.write(&length, kLengthBytes);
  target.write(header.data(), header.size());
  for (const auto& [name, tensor] : tensors) {
    const auto dense = tensor.detach().cpu().contiguous();
    target.write(dense.const_data_ptr(), dense.nbytes());
  }
  target.commit();
}

}  // namespace moca::checkpoint
