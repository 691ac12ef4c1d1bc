#include "moca/checkpoint/write_checkpoint.h"

#include <algorithm>

#include "checkpoint_part.h"
#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/core/error.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSpareBytes = 1 << 20;  // for headers, state.json, the manifest and the folders

uint64_t bytes_of(const CheckpointContent& content) {
  uint64_t bytes = kSpareBytes;
  for (const auto* files : {&content.whole, &content.shards}) {
    for (const auto& [name, tensors] : *files) {
      for (const auto& [key, tensor] : tensors) {
        bytes += tensor.nbytes();
      }
    }
  }
  return bytes;
}

void write_files(const fs::path& folder, const TensorFiles& files, Manifest& manifest) {
  for (const auto& [name, tensors] : files) {
    manifest.files[name] = write_safetensors(folder / name, tensors);
  }
}

void remove_old(const fs::path& checkpoints, Retention keep) {
  const auto steps = steps_in(checkpoints);
  const auto num_last = static_cast<size_t>(std::max<int64_t>(keep.last, 1));
  for (size_t i = 0; i + num_last < steps.size(); ++i) {
    if (keep.every <= 0 || steps[i] % keep.every != 0) {
      fs::remove_all(step_folder(checkpoints, steps[i]));
    }
  }
}

// Everything in the unfinished folder but what the other processes write.
void write_first_part(const fs::path& folder, int64_t step, const CheckpointContent& content,
                      const CheckpointPart& part) {
  Manifest manifest{.step = step};
  write_files(folder, content.whole, manifest);
  manifest.files["state.json"] = write_file(folder / "state.json", content.state_json);
  if (part.count == 1) {
    write_files(folder, content.shards, manifest);
  } else {
    write_part(folder, content.shards, part);
    join_parts(folder, part, manifest);
  }
  write_manifest(folder, manifest);
  sync_folder(folder);
}

}  // namespace

void write_checkpoint(const fs::path& checkpoints, int64_t step, const CheckpointContent& content,
                      Retention keep, CheckpointPart part) {
  const auto target = step_folder(checkpoints, step);
  if (fs::exists(target)) {
    return;
  }
  const auto unfinished = unfinished_folder(checkpoints, step);
  try {
    if (part.count == 1) {
      fs::remove_all(unfinished);  // of an earlier attempt; others may be at work in it
    }
    fs::create_directories(unfinished);
    check_free_space(checkpoints, bytes_of(content),
                     "the checkpoint of step " + std::to_string(step));
    if (part.index > 0) {
      write_part(unfinished, content.shards, part);
      return;
    }
    write_first_part(unfinished, step, content, part);
    fs::rename(unfinished, target);
    sync_folder(checkpoints);
    remove_old(checkpoints, keep);
  } catch (const fs::filesystem_error& failure) {
    give_up_part(unfinished, part);
    throw Error("cannot write the checkpoint ", target, ": ", failure.what(),
                ". Free space on the disk or choose a folder that can be written to.");
  } catch (const Error&) {
    give_up_part(unfinished, part);
    throw;
  }
}

fs::path weights_file(const fs::path& checkpoint, const std::string& name) {
  const auto index = checkpoint / (name + ".index.json");
  return fs::exists(index) ? index : checkpoint / name;
}

}  // namespace moca::checkpoint
