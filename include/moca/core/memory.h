#pragma once

namespace moca {

// Main memory that this process holds now, and the most it held so far, in GiB; 0 where the system
// does not tell.
double memory_gib();
double peak_memory_gib();

}  // namespace moca
