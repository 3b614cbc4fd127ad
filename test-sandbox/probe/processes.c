// Looking into other processes and changing how they run.
#include "probe.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

/** A process that is traced stops at every signal: it is let go at once. */
static long seize(const char *key) {
  long pid = number(key);
  if (pid < 0) return ABSENT;
  if (ptrace(PTRACE_SEIZE, pid, 0, 0)) return -1;
  ptrace(PTRACE_INTERRUPT, pid, 0, 0);
  waitpid(pid, NULL, __WALL);
  ptrace(PTRACE_DETACH, pid, 0, 0);
  return 0;
}

static long ptrace_attach(void) { return seize("parent"); }
static long ptrace_sibling(void) { return seize("sibling"); }

/** Nothing is mapped at the first page: EFAULT comes after the permission. */
static long vm_call(long call, const char *key) {
  char byte;
  struct iovec here = {&byte, 1}, there = {(void *)1, 1};
  return number(key) < 0 ? ABSENT : reached(syscall(call, number(key), &here, 1L, &there, 1L, 0L), EFAULT);
}

static long read_parent(void) { return vm_call(SYS_process_vm_readv, "parent"); }
static long write_sibling(void) { return vm_call(SYS_process_vm_writev, "sibling"); }

static long prlimit_parent(void) {
  struct rlimit limit;
  return number("parent") < 0 ? ABSENT : syscall(SYS_prlimit64, number("parent"), RLIMIT_NOFILE, NULL, &limit);
}

static long affinity_parent(void) {
  unsigned long every[16];
  memset(every, 0xff, sizeof every);
  return number("parent") < 0 ? ABSENT : syscall(SYS_sched_setaffinity, number("parent"), sizeof every, every);
}

/** To the value it has: without the call one could make the worker the last in every queue. */
static long priority_parent(void) {
  long own = number("parentNice");
  return number("parent") < 0 || own < -20 ? ABSENT : setpriority(PRIO_PROCESS, number("parent"), own);
}

/** What a decoder is given, 10, is more than 5. */
static long nice_lower(void) { return setpriority(PRIO_PROCESS, 0, 5); }
static long realtime(void) {
  struct sched_param first = {.sched_priority = 1};
  long result = sched_setscheduler(0, SCHED_FIFO, &first);
  if (!result) sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
  return result;
}

static long io_priority_parent(void) {
  // Class "best effort", level 4: what everybody has.
  return number("parent") < 0 ? ABSENT : syscall(SYS_ioprio_set, 1, number("parent"), (2 << 13) | 4);
}

/** How long the worker has computed, to the nanosecond: what it does with a secret shows in that. */
static long parent_cpu_clock(void) {
  struct timespec spent;
  return number("parent") < 0 ? ABSENT : syscall(SYS_clock_gettime, ~(int)number("parent") << 3 | 2, &spent);
}

static long outlive_parent(void) { return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0); }
static long new_session(void) { return setsid(); }

const struct attempt process_attempts[] = {
  {.name = "ptrace_attach", .run = ptrace_attach},
  {.name = "ptrace_sibling", .run = ptrace_sibling},
  {.name = "process_vm_readv", .run = read_parent},
  {.name = "process_vm_writev", .run = write_sibling},
  {.name = "prlimit_parent", .run = prlimit_parent},
  {.name = "sched_setaffinity_p", .run = affinity_parent},
  {.name = "setpriority_parent", .run = priority_parent},
  {.name = "nice_lower", .run = nice_lower},
  {.name = "sched_setscheduler", .run = realtime},
  {.name = "ioprio_parent", .run = io_priority_parent},
  {.name = "parent_cpu_clock", .run = parent_cpu_clock},
  {.name = "outlive_parent", .run = outlive_parent},
  {.name = "setsid", .run = new_session},
  {0}};
