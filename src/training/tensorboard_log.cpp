#include "tensorboard_log.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "moca/core/crc32c.h"
#include "moca/core/error.h"

namespace moca::training {
namespace {

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
constexpr int kSummaryValue = 1, kTag = 1, kSimpleValue = 2, kStatus = 1;
constexpr int64_t kSessionStart = 1;

// Wire types of protocol buffers.
enum class Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) {
    bytes += static_cast<char>(value | 0x80U);
  }
  return bytes + static_cast<char>(value);
}

std::string key(int field, Wire wire) {
  return varint((static_cast<uint64_t>(field) << 3U) | static_cast<uint64_t>(wire));
}

template <class Number>
std::string bytes_of(Number number) {
  std::string bytes(sizeof(number), '\0');
  std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}

std::string whole(int field, int64_t value) {
  return key(field, Wire::kVarint) + varint(static_cast<uint64_t>(value));
}
std::string real(int field, double value) { return key(field, Wire::kFixed64) + bytes_of(value); }
std::string real(int field, float value) { return key(field, Wire::kFixed32) + bytes_of(value); }
std::string text(int field, const std::string& value) {
  return key(field, Wire::kBytes) + varint(value.size()) + value;
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// As TFRecord's frames want it, so that a checksum of data with checksums in it is none of them.
uint32_t masked_crc(const std::string& bytes) {
  const uint32_t crc = crc32c(bytes.data(), bytes.size());
  return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
}

std::filesystem::path file_name() {
  char host[256] = "host";
  gethostname(host, sizeof(host) - 1);
  return "events.out.tfevents." + std::to_string(static_cast<int64_t>(seconds_since_1970() * 1e6)) +
         "." + host;
}

}  // namespace

TensorboardLog::TensorboardLog(const std::filesystem::path& folder, int64_t last_step)
    : file_(folder / file_name()), stream_(file_, std::ios::binary) {
  write_event(text(kFileVersion, "brain.Event:2"));
  write_event(whole(kStep, last_step + 1) + text(kSessionLog, whole(kStatus, kSessionStart)));
}

void TensorboardLog::record(int64_t step, const NamedValues& values) {
  std::string summary;
  for (const auto& [name, value] : values) {
    summary +=
        text(kSummaryValue, text(kTag, name) + real(kSimpleValue, static_cast<float>(value)));
  }
  write_event(whole(kStep, step) + text(kSummary, summary));
}

void TensorboardLog::write_event(const std::string& event) {
  const std::string record = real(kWallTime, seconds_since_1970()) + event;
  const std::string length = bytes_of(static_cast<uint64_t>(record.size()));
  stream_ << length << bytes_of(masked_crc(length)) << record << bytes_of(masked_crc(record))
          << std::flush;
  if (!stream_) {
    throw Error("cannot write ", file_, ": ", std::strerror(errno), ". Free space on the disk.");
  }
}

}  // namespace moca::training
