#include "moca/checkpoint/safetensors.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "error_text.h"
#include "moca/core/error.h"
#include "safetensors_header.h"

namespace moca::checkpoint {
namespace {

// What reading a tensor piece by piece holds at a time.
constexpr int64_t kBufferBytes = 4 << 20;

// The index of the first element whose bits of `exponent` are all set (NaN or infinity), or their
// number. Looks at all elements before it searches, which compilers make fast.
template <typename Bits>
int64_t first_not_finite(const at::Tensor& elements, Bits exponent) {
  const auto* first = static_cast<const Bits*>(elements.const_data_ptr());
  const auto* last = first + elements.numel();
  const auto is_bad = [=](Bits bits) { return (bits & exponent) == exponent; };
  bool found = false;
  for (const auto* element = first; element < last; ++element) {
    found |= is_bad(*element);
  }
  return (found ? std::find_if(first, last, is_bad) : last) - first;
}

int64_t first_not_finite(const at::Tensor& elements) {
  switch (elements.scalar_type()) {
    case at::kDouble:
      return first_not_finite<uint64_t>(elements, 0x7FF0000000000000);
    case at::kFloat:
      return first_not_finite<uint32_t>(elements, 0x7F800000);
    case at::kHalf:
      return first_not_finite<uint16_t>(elements, 0x7C00);
    case at::kBFloat16:
      return first_not_finite<uint16_t>(elements, 0x7F80);
    default:
      return elements.numel();
  }
}

// Room for a piece of a tensor that the file stores as `type`.
at::Tensor make_buffer(at::ScalarType type, int64_t num_elements) {
  const auto most = kBufferBytes / static_cast<int64_t>(c10::elementSize(type));
  return at::empty({std::min(num_elements, most)}, type);
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file)
    : path_(file),
      // Without O_NONBLOCK a pipe would be waited for.
      opened_(
          std::make_unique<FileDescriptor>(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))) {
  struct stat status {};
  if (opened_->get() < 0 || fstat(opened_->get(), &status) != 0) {
    throw Error("cannot read ", file, ": ", std::strerror(errno), ".");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error("cannot read ", file, ": it is not a file.");
  }
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size < kLengthBytes) {
    throw Error(file, ": ", size, " bytes are too few for a safetensors file.");
  }
  uint64_t length = 0;
  read_exactly(opened_->get(), &length, kLengthBytes, 0, file);
  check_header_length(length, size, file.string());
  std::string text(length, '\0');
  read_exactly(opened_->get(), text.data(), length, kLengthBytes, file);
  auto header = parse_header(text, size, file.string());
  metadata_ = std::move(header.metadata);
  entries_ = std::move(header.entries);
}

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw Error(path_, ": holds no tensor ", in_quotes(name), ".");
  }
  return found->second;
}

void SafetensorsFile::read_bytes(const std::string& name, uint64_t begin,
                                 const at::Tensor& target) const {
  read_exactly(opened_->get(), target.mutable_data_ptr(), target.nbytes(), begin,
               path_.string() + ", " + in_quotes(name));
  if (target.scalar_type() == at::kBool) {
    target.view(at::kByte).ne_(0);  // a bool of another value than 0 and 1 is undefined behaviour
  }
}

at::Tensor SafetensorsFile::read(const std::string& name) const {
  const auto& found = entry(name);
  auto tensor = at::empty(found.shape, found.type);
  read_bytes(name, found.begin, tensor);
  return tensor;
}

at::Tensor SafetensorsFile::read_row(const std::string& name, int64_t index) const {
  const auto& found = entry(name);
  TORCH_CHECK(!found.shape.empty() && index >= 0 && index < found.shape[0], "row ", index, " of '",
              name, "' ", at::IntArrayRef(found.shape));
  auto row = at::empty(at::IntArrayRef(found.shape).slice(1), found.type);
  read_bytes(name, found.begin + row.nbytes() * static_cast<uint64_t>(index), row);
  return row;
}

void SafetensorsFile::read_into(const std::string& name, const at::Tensor& target) const {
  const auto& found = entry(name);
  if (const auto what = misfit(found, target); !what.empty()) {
    throw Error(path_, ": ", in_quotes(name), " ", what, ".");
  }
  const c10::NoGradGuard no_grad;
  if (target.is_contiguous() && target.is_cpu() && target.scalar_type() == found.type) {
    read_bytes(name, found.begin, target);
  } else if (target.numel() > 0) {
    read_pieces(name, found.begin, target.is_contiguous() ? target.view(-1) : target,
                make_buffer(found.type, target.numel()));
  }
}

void SafetensorsFile::read_pieces(const std::string& name, uint64_t begin, const at::Tensor& target,
                                  const at::Tensor& buffer) const {
  const int64_t num_rows = target.size(0), row = target.numel() / num_rows;
  const auto row_bytes = static_cast<uint64_t>(row) * buffer.element_size();
  if (row > buffer.numel()) {
    for (int64_t i = 0; i < num_rows; ++i) {
      read_pieces(name, begin + static_cast<uint64_t>(i) * row_bytes, target[i], buffer);
    }
    return;
  }
  const int64_t step = buffer.numel() / row;
  for (int64_t i = 0; i < num_rows; i += step) {
    const auto part = target.narrow(0, i, std::min(step, num_rows - i));
    const auto piece = buffer.narrow(0, 0, part.numel());
    read_bytes(name, begin + static_cast<uint64_t>(i) * row_bytes, piece);
    part.copy_(piece.view(part.sizes()));
  }
}

void SafetensorsFile::check_finite(const std::string& name) const {
  const auto& found = entry(name);
  if (!at::isFloatingType(found.type)) {
    return;
  }
  const auto size = c10::elementSize(found.type);
  const auto num_elements = static_cast<int64_t>((found.end - found.begin) / size);
  const auto buffer = make_buffer(found.type, num_elements);
  for (int64_t i = 0; i < num_elements; i += buffer.numel()) {
    const auto piece = buffer.narrow(0, 0, std::min(buffer.numel(), num_elements - i));
    read_bytes(name, found.begin + static_cast<uint64_t>(i) * size, piece);
    const int64_t bad = first_not_finite(piece);
    if (bad < piece.numel()) {
      throw Error(path_, ": ", in_quotes(name), " ", c10::str(at::IntArrayRef(found.shape)),
                  " holds ", (piece[bad].isnan().item<bool>() ? "NaN" : "infinity"),
                  " at its element ", i + bad,
                  ". The file is damaged or its training diverged; use another one.");
    }
  }
}

FileSum write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                          const Metadata& metadata) {
  // Large elements first, so that each begins at a multiple of its size, which readers that map the
  // file rely on.
  auto ordered = tensors;
  std::ranges::stable_sort(ordered, std::greater(),
                           [](const auto& item) { return item.second.element_size(); });
  const std::string header = make_header(ordered, metadata);
  const uint64_t length = header.size();
  AtomicFile target(file);
  target.write(&length, kLengthBytes);
  target.write(header.data(), header.size());
  for (const auto& [name, tensor] : ordered) {
    const auto dense = tensor.detach().cpu().contiguous();
    target.write(dense.const_data_ptr(), dense.nbytes());
  }
  return target.commit();
}

}  // namespace moca::checkpoint
