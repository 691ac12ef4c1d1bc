#include "checkpoint_part.h"

#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "moca/core/error.h"
#include "moca/core/text.h"
#include "weights_index.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr auto kPause = std::chrono::milliseconds(20);

fs::path part_file(const fs::path& folder, int index) {
  return folder / formatted("part_%05d.json", index + 1);
}

fs::path given_up_file(const fs::path& folder, int index) {
  return part_file(folder, index).replace_extension(".given_up");
}

nlohmann::json await_part(const fs::path& folder, int index, const CheckpointPart& part) {
  const auto deadline = std::chrono::steady_clock::now() + part.patience;
  const auto file = part_file(folder, index);
  while (!fs::exists(file)) {
    if (fs::exists(given_up_file(folder, index))) {
      throw Error("the checkpoint ", folder, " is not finished: rank ", index,
                  " could not write its part; see its message.");
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error("the checkpoint ", folder, " is not finished: the part of rank ", index,
                  " did not come within ", part.patience.count(),
                  " s. All ranks must see the same file system.");
    }
    std::this_thread::sleep_for(kPause);
  }
  return nlohmann::json::parse(read_file(file));
}

}  // namespace

void write_part(const fs::path& folder, const TensorFiles& files, const CheckpointPart& part) {
  fs::remove(given_up_file(folder, part.index));  // of an earlier attempt
  nlohmann::json written = nlohmann::json::object();
  for (const auto& [name, tensors] : files) {
    const auto shard = shard_name(fs::path(name).stem().string(), part.index, part.count);
    const auto sum = write_safetensors(folder / shard, tensors, {{"format", "pt"}});
    nlohmann::json bytes = nlohmann::json::object();
    for (const auto& [key, tensor] : tensors) {
      bytes[key] = tensor.nbytes();
    }
    written[name] = {
        {"shard", shard}, {"bytes", sum.bytes}, {"crc32c", sum.crc32c}, {"tensors", bytes}};
  }
  write_file(part_file(folder, part.index), written.dump());
}

void give_up_part(const fs::path& folder, const CheckpointPart& part) {
  std::error_code ignored;
  if (part.index == 0) {
    fs::remove_all(folder, ignored);
  } else if (std::FILE* const file =
                 std::fopen(given_up_file(folder, part.index).c_str(), "w")) {  // empty: no space
    std::fclose(file);
  }
}

void join_parts(const fs::path& folder, const CheckpointPart& part, Manifest& manifest) {
  std::map<std::string, std::map<std::string, std::string>> shards;  // of every file's tensors
  std::map<std::string, uint64_t> total_bytes;
  for (int index = 0; index < part.count; ++index) {
    const auto files_of_part = await_part(folder, index, part);
    for (const auto& [name, written] : files_of_part.items()) {
      const std::string shard = written.at("shard");
      manifest.files[shard] = {written.at("bytes"), written.at("crc32c")};
      for (const auto& [tensor, bytes] : written.at("tensors").items()) {
        shards[name].emplace(tensor, shard);
        total_bytes[name] += bytes.get<uint64_t>();
      }
    }
    fs::remove(part_file(folder, index));
  }
  for (const auto& [name, shard_of_tensor] : shards) {
    const auto index = name + ".index.json";
    manifest.files[index] =
        write_file(folder / index, index_json(shard_of_tensor, total_bytes[name]));
  }
}

}  // namespace moca::checkpoint
