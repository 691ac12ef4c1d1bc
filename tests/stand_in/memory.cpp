#include "memory.h"

#include <c10/util/Exception.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace moca::stand_in {
namespace {

constexpr size_t kBytes = size_t{24} << 30;  // of addresses; memory is taken when it is used
constexpr size_t kSmallest = 512, kLarge = size_t{1} << 20;
constexpr size_t kSpoiled = size_t{1} << 16;  // bytes of a new tensor that are filled with NaN

// One file, mapped twice: tensors name addresses of the first mapping, which nobody may read or
// write; kernels use the second.
class Region {
 public:
  Region() {
    const int file = memfd_create("stand-in device", 0);
    TORCH_CHECK(file >= 0 && ftruncate(file, kBytes) == 0, "stand-in device: no memory");
    device_ = map(file, PROT_NONE);
    host_ = map(file, PROT_READ | PROT_WRITE);
    close(file);
  }

  char* device() const { return device_; }
  char* host() const { return host_; }

 private:
  static char* map(int file, int protection) {
    void* const found =
        mmap(nullptr, kBytes, protection, MAP_SHARED | MAP_NORESERVE, file, /*offset=*/0);
    TORCH_CHECK(found != MAP_FAILED, "stand-in device: no addresses");
    return static_cast<char*>(found);
  }

  char *device_, *host_;
};

// Never destroyed: static tensors of others may be later.
Region& region() {
  static auto* const the_region = new Region;
  return *the_region;
}

// Blocks of a few sizes, kept for the next tensor of that size.
class Blocks {
 public:
  char* take(size_t size) {
    const size_t bytes = rounded(size);
    const std::lock_guard lock(mutex_);
    auto& unused = unused_[bytes];
    char* block = region().device() + end_;
    if (unused.empty()) {
      TORCH_CHECK(end_ + bytes <= kBytes, "stand-in device: out of memory");
      end_ += bytes;
    } else {
      block = unused.back();
      unused.pop_back();
    }
    sizes_[block] = bytes;
    held_ += bytes;
    peak_ = std::max(peak_, held_);
    return block;
  }

  void give_back(void* pointer) {
    const std::lock_guard lock(mutex_);
    const auto found = sizes_.find(pointer);
    held_ -= found->second;
    unused_[found->second].push_back(static_cast<char*>(pointer));
    sizes_.erase(found);
  }

  c10::CachingDeviceAllocator::DeviceStats stats() {
    const std::lock_guard lock(mutex_);
    c10::CachingDeviceAllocator::DeviceStats found;
    found.allocated_bytes[0].current = static_cast<int64_t>(held_);
    found.allocated_bytes[0].peak = static_cast<int64_t>(peak_);
    return found;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    peak_ = held_;
  }

 private:
  static size_t rounded(size_t size) {
    size_t bytes = kSmallest;
    while (bytes < size && bytes < kLarge) {
      bytes *= 2;
    }
    return bytes >= size ? bytes : (size + kLarge - 1) / kLarge * kLarge;
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<char*>> unused_;
  std::unordered_map<void*, size_t> sizes_;
  size_t end_ = 0, held_ = 0, peak_ = 0;
};

Blocks& blocks() {
  static auto* const the_blocks = new Blocks;
  return *the_blocks;
}

void free_block(void* pointer) {
  if (pointer != nullptr) {
    blocks().give_back(pointer);
  }
}

class DeviceMemory final : public c10::DeviceAllocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    const c10::Device device(c10::kCUDA, current_device());
    if (size == 0) {
      return {nullptr, nullptr, &free_block, device};
    }
    char* const block = blocks().take(size);
    // What is read before it is written shows.
    std::memset(host_address(block), 0xFF, std::min(size, kSpoiled));
    return {block, block, &free_block, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, size_t size) const override {
    std::memcpy(host_address(to), host_address(from), size);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t /*pool*/) override {}
  void recordStream(const c10::DataPtr& /*data*/, c10::Stream /*stream*/) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex /*device*/) override {
    return blocks().stats();
  }
  void resetAccumulatedStats(c10::DeviceIndex /*device*/) override {}
  void resetPeakStats(c10::DeviceIndex /*device*/) override { blocks().reset_peak(); }
};

// Where pinned blocks end, by where they begin.
class PinnedBlocks {
 public:
  void* take(size_t size) {
    auto* const block = static_cast<char*>(std::malloc(std::max<size_t>(size, 1)));
    const std::lock_guard lock(mutex_);
    ends_[block] = block + size;
    return block;
  }
  void give_back(void* block) {
    const std::lock_guard lock(mutex_);
    ends_.erase(static_cast<char*>(block));
    std::free(block);
  }
  bool holds(const void* pointer) {
    const auto* const address = static_cast<const char*>(pointer);
    const std::lock_guard lock(mutex_);
    const auto after = ends_.upper_bound(address);
    return after != ends_.begin() && address < std::prev(after)->second;
  }

 private:
  std::mutex mutex_;
  std::map<const char*, const char*> ends_;
};

PinnedBlocks& pinned_blocks() {
  static auto* const the_blocks = new PinnedBlocks;
  return *the_blocks;
}

void free_pinned(void* pointer) { pinned_blocks().give_back(pointer); }

class PinnedMemory final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    void* const block = pinned_blocks().take(size);
    return {block, block, &free_pinned, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_pinned; }
  void copy_data(void* to, const void* from, size_t size) const override {
    std::memcpy(to, from, size);
  }
};

}  // namespace

c10::DeviceIndex& current_device() {
  thread_local c10::DeviceIndex current = 0;
  return current;
}

c10::DeviceAllocator& device_allocator() {
  static auto* const allocator = new DeviceMemory;
  return *allocator;
}

c10::Allocator& pinned_allocator() {
  static auto* const allocator = new PinnedMemory;
  return *allocator;
}

bool is_pinned(const void* pointer) { return pinned_blocks().holds(pointer); }

bool is_of_device(const void* pointer) {
  const auto* const address = static_cast<const char*>(pointer);
  return address >= region().device() && address < region().device() + kBytes;
}

void* host_address(const void* pointer) {
  TORCH_CHECK(is_of_device(pointer), "stand-in device: a kernel was given memory of the host");
  return region().host() + (static_cast<const char*>(pointer) - region().device());
}

}  // namespace moca::stand_in
