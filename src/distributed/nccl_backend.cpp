#include "nccl_backend.h"

#include <dlfcn.h>

#include <string>

#include "moca/core/error.h"
#include "nccl_module.h"

namespace moca::distributed {
namespace {

// NCCL's process group lives in libtorch_cuda, which machines without a GPU lack: whatever names it
// is a library of its own, loaded here.
AddNccl* load() {
#ifdef MOCA_NCCL_MODULE
  void* library = dlopen(MOCA_NCCL_MODULE, RTLD_NOW | RTLD_LOCAL);
  void* function = library == nullptr ? nullptr : dlsym(library, "moca_add_nccl");
  if (function == nullptr) {
    throw Error(std::string("NCCL cannot be loaded: ") + dlerror() +
                ". Run scripts/setup.sh on a machine with a GPU and build again.");
  }
  return reinterpret_cast<AddNccl*>(function);
#else
  throw Error(
      "several processes cannot train on GPUs with this moca: it was built where there was no "
      "nvcc or no NCCL. Build it where both are, or use device=cpu.");
#endif
}

}  // namespace

void add_nccl(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
              const Launch& launch, c10::Device device, std::chrono::seconds time_limit) {
  load()(group, store, launch.rank, launch.world_size, device, time_limit);
}

}  // namespace moca::distributed
