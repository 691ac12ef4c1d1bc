#include "moca/image/write_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

#include "moca/core/error.h"

namespace moca {

void write_file(const std::filesystem::path& file, std::string_view bytes) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) {
    throw Error("Cannot write " + file.string() + ": it is a folder; name a file.");
  }
  fs::path partial = file;
  partial += '.' + std::to_string(::getpid());
  partial += ".partial";
  std::ofstream stream(partial, std::ios::binary | std::ios::trunc);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) {
    const std::string reason = std::strerror(errno);
    fs::remove(partial, ignored);
    throw Error("Cannot write " + file.string() + ": " + reason +
                "; the folder must exist, be writable and have room.");
  }
  std::error_code error;
  fs::rename(partial, file, error);
  if (error) {
    fs::remove(partial, ignored);
    throw Error("Cannot write " + file.string() + ": " + error.message() + ".");
  }
}

}  // namespace moca
