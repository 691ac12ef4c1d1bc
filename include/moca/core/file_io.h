#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace moca {

// Closes a file descriptor when it goes.
class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor();
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Reads `size` bytes at `offset`, or throws Error naming `what`.
void read_exactly(int descriptor, void* target, uint64_t size, uint64_t offset,
                  const std::string& what);

// By which a file is known again.
struct FileSum {
  uint64_t bytes = 0;
  uint32_t crc32c = 0;

  bool operator==(const FileSum&) const = default;
};

// Reads the whole file, piece by piece.
FileSum sum_of_file(const std::filesystem::path& file);

// A file that appears under its name only when all of it is on the disk: written beside it under a
// temporary name, flushed, renamed. Without `commit` nothing is left behind. Throws Error when the
// disk is full or the folder cannot be written.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, uint64_t size);
  FileSum commit();

 private:
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  int descriptor_;
  FileSum sum_;
};

// Writes a whole file through AtomicFile.
FileSum write_file(const std::filesystem::path& file, std::string_view text);
// All bytes of a file, or an Error that names it.
std::string read_file(const std::filesystem::path& file);

// Flushes a folder's entries (renames) to the disk.
void sync_folder(const std::filesystem::path& folder);

// Throws Error when the disk that holds `folder` (which exists) has fewer free bytes. `what` is to
// be written there.
void check_free_space(const std::filesystem::path& folder, uint64_t bytes, const std::string& what);

}  // namespace moca
