// More of the machine than one picture may cost.
#include "probe.h"
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { DESCRIPTORS = 200 };

static long memory_hog(void) {
  size_t bytes = 4ul << 30;
  void *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return all == MAP_FAILED ? -1 : munmap(all, bytes);
}

static long descriptor_flood(void) {
  int made[DESCRIPTORS], count = 0;
  while (count < DESCRIPTORS && (made[count] = eventfd(0, EFD_CLOEXEC)) >= 0) count++;
  int error = errno;
  for (int i = 0; i < count; i++) close(made[i]);
  errno = error;
  return count == DESCRIPTORS ? 0 : -1;
}

/** The kernel is asked what it would allow: trying would take its time. */
static long unlimited(int resource) {
  struct rlimit limit;
  if (syscall(SYS_prlimit64, 0, resource, NULL, &limit)) return -1;
  errno = EDQUOT;
  return limit.rlim_max == RLIM_INFINITY ? 0 : -1;
}

static long cpu_unlimited(void) { return unlimited(RLIMIT_CPU); }
static long core_dump(void) { return unlimited(RLIMIT_CORE); }
static long file_size_unlimited(void) { return unlimited(RLIMIT_FSIZE); }

/** Lowered first: where there is no limit, there is nothing to raise. */
static long raise_limits(void) {
  struct rlimit few = {3, 3}, most = {RLIM_INFINITY, RLIM_INFINITY};
  return setrlimit(RLIMIT_CPU, &few) ? -1 : setrlimit(RLIMIT_CPU, &most);
}

const struct attempt limit_attempts[] = {
  {.name = "memory_hog", .run = memory_hog, .also = {ENOMEM}},
  {.name = "descriptor_flood", .run = descriptor_flood, .also = {EMFILE}},
  {.name = "cpu_unlimited", .run = cpu_unlimited, .also = {EDQUOT}},
  {.name = "core_dump", .run = core_dump, .also = {EDQUOT}},
  {.name = "file_size_unlimited", .run = file_size_unlimited, .also = {EDQUOT}},
  {.name = "raise_limits", .run = raise_limits},
  {0}};
