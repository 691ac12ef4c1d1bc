#include "nccl_backend.h"

#include <dlfcn.h>

#include <future>
#include <string>
#include <thread>

#include "moca/core/error.h"
#include "nccl_module.h"

namespace moca::distributed {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);

// NCCL's process group lives in libtorch_cuda, which machines without a GPU lack: whatever names it
// is a library of its own, loaded here.
struct NcclModule {
  AddNccl* add = nullptr;
  NcclRecord* record = nullptr;
};

NcclModule& nccl_module() {
  static NcclModule loaded;
  return loaded;
}

void load() {
#ifdef MOCA_NCCL_MODULE
  void* library = dlopen(MOCA_NCCL_MODULE, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error("NCCL cannot be loaded: ", dlerror(),
                ". Run scripts/setup.sh on a machine with a GPU and build again.");
  }
  nccl_module() = {reinterpret_cast<AddNccl*>(dlsym(library, "moca_add_nccl")),
                   reinterpret_cast<NcclRecord*>(dlsym(library, "moca_nccl_record"))};
#else
  throw Error(
      "several processes cannot train on GPUs with this moca: it was built where there was no "
      "nvcc or no NCCL. Build it where both are, or use device=cpu.");
#endif
}

}  // namespace

void add_nccl(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
              const Launch& launch, c10::Device device, std::chrono::seconds time_limit) {
  load();
  nccl_module().add(group, store, launch.rank, launch.world_size, device, time_limit);
}

std::string nccl_record() {
  auto* const record = nccl_module().record;
  if (record == nullptr) {
    return "";
  }
  // It asks the GPU, which may no longer answer.
  std::packaged_task<std::string()> task([record] {
    std::string json;
    record(json);
    return json;
  });
  auto answer = task.get_future();
  std::thread(std::move(task)).detach();
  return answer.wait_for(kPatience) == std::future_status::ready
             ? answer.get()
             : R"({"failure": "the GPU does not answer"})";
}

}  // namespace moca::distributed
