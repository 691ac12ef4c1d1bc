#include "manifest.h"

#include <nlohmann/json.hpp>

#include "moca/core/crc32c.h"
#include "moca/core/error.h"
#include "moca/core/text.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;

std::string text_of(const Manifest& manifest) {
  auto files = nlohmann::ordered_json::object();
  for (const auto& [name, sum] : manifest.files) {
    files[name] = {{"bytes", sum.bytes}, {"crc32c", formatted("%08x", sum.crc32c)}};
  }
  nlohmann::ordered_json json = {{"step", manifest.step}, {"files", files}};
  const auto content = json.dump();
  json["crc32c"] = formatted("%08x", crc32c(content.data(), content.size()));
  return json.dump(1) + "\n";
}

// Nothing unless the text is, byte for byte, what write_manifest writes.
std::optional<Manifest> parse(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    Manifest manifest{.step = json.at("step")};
    for (const auto& [name, sum] : json.at("files").items()) {
      const auto crc = std::stoul(sum.at("crc32c").get<std::string>(), nullptr, 16);
      manifest.files[name] = {sum.at("bytes").get<uint64_t>(), static_cast<uint32_t>(crc)};
    }
    return text_of(manifest) == text ? std::optional(manifest) : std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<std::string> damage_of_file(const fs::path& file, const FileSum& expected) {
  if (!fs::exists(file)) {
    return file.filename().string() + " is missing";
  }
  const auto found = sum_of_file(file);
  if (found.bytes != expected.bytes) {
    return file.filename().string() + " has " + std::to_string(found.bytes) + " bytes instead of " +
           std::to_string(expected.bytes);
  }
  if (found.crc32c != expected.crc32c) {
    return file.filename().string() + " does not have the bytes that were written";
  }
  return std::nullopt;
}

}  // namespace

void write_manifest(const fs::path& folder, const Manifest& manifest) {
  write_file(folder / kManifestName, text_of(manifest));
}

std::optional<std::string> damage_of(const fs::path& folder, int64_t step) {
  const auto file = folder / kManifestName;
  if (!fs::exists(file)) {
    return std::string(kManifestName) + " is missing";
  }
  try {
    const auto manifest = parse(read_file(file));
    if (!manifest) {
      return std::string(kManifestName) + " is broken";
    }
    if (manifest->step != step) {
      return std::string(kManifestName) + " is of step " + std::to_string(manifest->step);
    }
    for (const auto& [name, sum] : manifest->files) {
      if (const auto damage = damage_of_file(folder / name, sum)) {
        return damage;
      }
    }
    return std::nullopt;
  } catch (const Error& failure) {  // unreadable
    return failure.what();
  }
}

}  // namespace moca::checkpoint
