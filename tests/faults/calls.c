// Loaded before the C library (LD_PRELOAD) into a real run: counts the calls that change files under
// a folder of checkpoints, and kills the process before one of them, or slows them down. Reads of
// the files can stop coming back.
//
//   FAULT_PATH      part of the path of the files that are meant
//   FAULT_KILL_AT   the process is killed before this call (1 the first)
//   FAULT_SLOW_MS   every fsync takes this much longer
//   FAULT_STUCK_READ the read that takes forever (1 the first)
//   FAULT_RANK      all of this only in the process with this RANK
//   FAULT_COUNT     file that gets the number of calls at exit
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;
static atomic_long reads;

static int is(const char* value, const char* wanted) {
  return value != NULL && strcmp(value, wanted) == 0;
}

static int meant(const char* path) {
  const char* rank = getenv("FAULT_RANK");
  if (rank != NULL && !is(getenv("RANK"), rank)) {
    return 0;
  }
  const char* part = getenv("FAULT_PATH");
  return part != NULL && path != NULL && strstr(path, part) != NULL;
}

static int meant_descriptor(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
  const ssize_t size = readlink(link, path, sizeof(path) - 1);
  if (size <= 0) {
    return 0;
  }
  path[size] = '\0';
  return meant(path);
}

static void count(void) {
  const char* kill_at = getenv("FAULT_KILL_AT");
  const long call = atomic_fetch_add(&calls, 1) + 1;
  if (kill_at != NULL && call == atol(kill_at)) {
    kill(getpid(), SIGKILL);
  }
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void* data, size_t size) {
  if (meant_descriptor(descriptor)) {
    count();
  }
  return NEXT(write)(descriptor, data, size);
}

static void may_get_stuck(int descriptor) {
  const char* stuck = getenv("FAULT_STUCK_READ");
  if (stuck != NULL && meant_descriptor(descriptor) &&
      atomic_fetch_add(&reads, 1) + 1 == atol(stuck)) {
    for (;;) {
      pause();
    }
  }
}

ssize_t pread(int descriptor, void* data, size_t size, off_t offset) {
  may_get_stuck(descriptor);
  return NEXT(pread)(descriptor, data, size, offset);
}

ssize_t pread64(int descriptor, void* data, size_t size, off64_t offset) {
  may_get_stuck(descriptor);
  return NEXT(pread64)(descriptor, data, size, offset);
}

int fsync(int descriptor) {
  if (meant_descriptor(descriptor)) {
    count();
    const char* slow = getenv("FAULT_SLOW_MS");
    if (slow != NULL) {
      usleep((useconds_t)atol(slow) * 1000);
    }
  }
  return NEXT(fsync)(descriptor);
}

int rename(const char* from, const char* to) {
  if (meant(to)) {
    count();
  }
  return NEXT(rename)(from, to);
}

int mkdir(const char* path, mode_t mode) {
  if (meant(path)) {
    count();
  }
  return NEXT(mkdir)(path, mode);
}

int unlinkat(int folder, const char* path, int flags) {
  if (meant(path) || meant_descriptor(folder)) {
    count();
  }
  return NEXT(unlinkat)(folder, path, flags);
}

__attribute__((destructor)) static void report(void) {
  const char* file = getenv("FAULT_COUNT");
  if (file != NULL) {
    FILE* stream = fopen(file, "w");
    if (stream != NULL) {
      fprintf(stream, "%ld\n", atomic_load(&calls));
      fclose(stream);
    }
  }
}
