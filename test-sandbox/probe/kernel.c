// Large parts of the kernel that no decoder needs: each is code in which holes have been found.
#include "probe.h"
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/prctl.h>

/** Wrong descriptors on purpose: EBADF comes from inside. */
static long io_uring_enter(void) { return reached(syscall(SYS_io_uring_enter, 9999, 1, 0, 0, NULL, 0), EBADF); }
static long io_uring_setup(void) {
  char parameters[256] = {0};
  long fd = syscall(SYS_io_uring_setup, 1, parameters);
  return fd < 0 ? fd : opened(fd);
}

static long bpf_map(void) {
  struct { uint32_t type, key, value, entries; char rest[112]; } map = {2, 4, 8, 1, {0}};
  long fd = syscall(SYS_bpf, 0, &map, 64);
  return fd < 0 ? fd : opened(fd);
}

static long perf_event(void) {
  struct perf_event_attr counter = {.type = PERF_TYPE_SOFTWARE, .size = sizeof counter, .config = PERF_COUNT_SW_TASK_CLOCK,
                                    .exclude_kernel = 1, .exclude_hv = 1};
  long fd = syscall(SYS_perf_event_open, &counter, 0, -1, -1, 0);
  return fd < 0 ? fd : opened(fd);
}

static long keyctl(void) { return syscall(SYS_keyctl, 0, -3, 1); }
static long add_key(void) { return syscall(SYS_add_key, "user", "sekisho", "x", 1L, -2L); }
static long request_key(void) {
  long result = syscall(SYS_request_key, "user", "sekisho-none", NULL, -2L);
  return reached(result, ENOKEY);
}

/** A process of several threads gets EINVAL, but from inside. */
static long unshare_user(void) { return reached(unshare(0x10000000), EINVAL); }
static long set_namespace(void) { return reached(syscall(SYS_setns, STDIN_FILENO, 0x40000000), EINVAL); }
static long splice_call(void) { return reached(syscall(SYS_splice, 9999, NULL, 9998, NULL, 1, 0), EBADF); }

static long timer(void) {
  int id;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  long result = syscall(SYS_timer_create, 1, &event, &id);
  if (!result) syscall(SYS_timer_delete, id);
  return result;
}

static long allow_dump(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }

const struct attempt kernel_attempts[] = {
  {.name = "io_uring_setup", .run = io_uring_setup},
  {.name = "io_uring_enter", .run = io_uring_enter},
  {.name = "bpf", .run = bpf_map},
  {.name = "perf_event_open", .run = perf_event},
  {.name = "keyctl", .run = keyctl},
  {.name = "add_key", .run = add_key},
  {.name = "request_key", .run = request_key},
  {.name = "unshare_user", .run = unshare_user},
  {.name = "setns", .run = set_namespace},
  {.name = "splice", .run = splice_call},
  {.name = "timer_create", .run = timer},
  {.name = "set_dumpable", .run = allow_dump},
  {0}};
