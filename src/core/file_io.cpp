#include "moca/core/file_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "moca/core/crc32c.h"
#include "moca/core/error.h"

namespace moca {

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

void read_exactly(int descriptor, void* target, uint64_t size, uint64_t offset,
                  const std::string& what) {
  auto* bytes = static_cast<char*>(target);
  while (size > 0) {
    const ssize_t count =
        pread(descriptor, bytes, std::min<uint64_t>(size, 1U << 30), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      throw Error("cannot read ", what, ": ",
                  (count == 0 ? "the file ends too early" : std::strerror(errno)), ".");
    }
    bytes += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<uint64_t>(count);
  }
}

AtomicFile::AtomicFile(std::filesystem::path file)
    : file_(std::move(file)),
      temporary_(file_.string() + ".tmp" + std::to_string(getpid())),
      descriptor_(open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) {
    fail("create");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
    unlink(temporary_.c_str());
  }
}

void AtomicFile::fail(const char* action) const {
  throw Error("cannot ", action, " ", file_, ": ", std::strerror(errno),
              ". Free space on the disk or choose a folder that can be written to.");
}

void AtomicFile::write(const void* data, uint64_t size) {
  sum_.crc32c = moca::crc32c(data, size, sum_.crc32c);
  sum_.bytes += size;
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t count = ::write(descriptor_, bytes, std::min<uint64_t>(size, 1U << 30));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      fail("write");
    }
    bytes += count;
    size -= static_cast<uint64_t>(count);
  }
}

FileSum AtomicFile::commit() {
  if (fsync(descriptor_) != 0) {
    fail("write");
  }
  if (rename(temporary_.c_str(), file_.c_str()) != 0) {
    fail("rename to");
  }
  close(std::exchange(descriptor_, -1));
  return sum_;
}

FileSum write_file(const std::filesystem::path& file, std::string_view text) {
  AtomicFile target(file);
  target.write(text.data(), text.size());
  return target.commit();
}

namespace {

// Hands every piece of a file to `use`, from the beginning.
template <class Use>
void read_pieces(const std::filesystem::path& file, size_t largest_piece, Use&& use) {
  std::vector<char> buffer(largest_piece);
  const FileDescriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  while (true) {
    const ssize_t count = opened.get() < 0 ? -1 : read(opened.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR && opened.get() >= 0) {
      continue;
    }
    if (count < 0) {
      throw Error("cannot read ", file, ": ", std::strerror(errno), ".");
    }
    if (count == 0) {
      return;
    }
    use(std::string_view(buffer.data(), static_cast<size_t>(count)));
  }
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
  std::string text;
  read_pieces(file, 1U << 16, [&](std::string_view piece) { text += piece; });
  return text;
}

FileSum sum_of_file(const std::filesystem::path& file) {
  FileSum sum;
  read_pieces(file, 1U << 22, [&](std::string_view piece) {
    sum.bytes += piece.size();
    sum.crc32c = crc32c(piece.data(), piece.size(), sum.crc32c);
  });
  return sum;
}

void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || fsync(opened.get()) != 0) {
    throw Error("cannot flush the folder ", folder, ": ", std::strerror(errno), ".");
  }
}

void check_free_space(const std::filesystem::path& folder, uint64_t bytes,
                      const std::string& what) {
  const auto free = std::filesystem::space(folder).available;
  if (free < bytes) {
    throw Error("cannot write ", what, " in ", folder, ": it needs ", bytes, " bytes, ", free,
                " are free. Free space on the disk or choose another folder.");
  }
}

}  // namespace moca
