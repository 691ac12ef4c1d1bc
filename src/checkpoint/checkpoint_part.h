#pragma once

#include "manifest.h"
#include "moca/checkpoint/write_checkpoint.h"

// How several processes write one checkpoint: each its shards and then part_0000I.json, which says
// what it wrote; the first waits for those of all and joins them. Nothing but files passes between
// them, so that training can go on meanwhile.
namespace moca::checkpoint {

// Writes this process's shards of the files, and what they hold.
void write_part(const std::filesystem::path& folder, const TensorFiles& files,
                const CheckpointPart& part);

// Tells the first process that this part will not come; the first removes the whole folder.
void give_up_part(const std::filesystem::path& folder, const CheckpointPart& part);

// Waits for all parts, writes the index of every file's shards and adds them to the manifest.
// Throws Error when a part was given up or does not come.
void join_parts(const std::filesystem::path& folder, const CheckpointPart& part,
                Manifest& manifest);

}  // namespace moca::checkpoint
