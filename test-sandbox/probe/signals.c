// Signals to the worker and to other decoders. SIGWINCH harms nobody.
#include "probe.h"

static long send_to(const char *key, int signal) { return number(key) < 0 ? ABSENT : kill(number(key), signal); }

static long kill_parent_term0(void) { return send_to("parent", 0); }
static long kill_parent(void) { return send_to("parent", SIGWINCH); }
static long kill_sibling(void) { return send_to("sibling", SIGWINCH); }
static long kill_pid1(void) { return kill(1, 0); }

static long tgkill_parent(void) {
  long parent = number("parent");
  return parent < 0 ? ABSENT : syscall(SYS_tgkill, parent, parent, SIGWINCH);
}

/** With a value of one's own, and with a sender that can be a lie. */
static long queue_parent(void) {
  siginfo_t info = {.si_signo = SIGWINCH, .si_code = SI_QUEUE};
  return number("parent") < 0 ? ABSENT : syscall(SYS_rt_sigqueueinfo, number("parent"), SIGWINCH, &info);
}

static long open_process(const char *key) { return syscall(SYS_pidfd_open, number(key), 0); }

static long pidfd_open_parent(void) {
  long fd = number("parent") < 0 ? ABSENT : open_process("parent");
  return fd < 0 ? fd : opened(fd);
}

static long with_pidfd(long (*use)(long)) {
  if (number("parent") < 0) return ABSENT;
  long fd = open_process("parent");
  if (fd < 0) return -1;
  long result = use(fd);
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static long send_by_pidfd(long fd) { return syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0); }
static long take_descriptor(long fd) {
  long taken = syscall(SYS_pidfd_getfd, fd, 0, 0);
  return taken < 0 ? taken : opened(taken);
}

static long pidfd_send_parent(void) { return with_pidfd(send_by_pidfd); }
static long pidfd_getfd_parent(void) { return with_pidfd(take_descriptor); }

const struct attempt signal_attempts[] = {
  {.name = "kill_parent_term0", .run = kill_parent_term0},
  {.name = "kill_parent", .run = kill_parent},
  {.name = "kill_sibling", .run = kill_sibling},
  {.name = "kill_pid1", .run = kill_pid1},
  {.name = "tgkill_parent", .run = tgkill_parent},
  {.name = "queue_parent", .run = queue_parent},
  {.name = "pidfd_open", .run = pidfd_open_parent},
  {.name = "pidfd_send_signal", .run = pidfd_send_parent},
  {.name = "pidfd_getfd", .run = pidfd_getfd_parent},
  {0}};
