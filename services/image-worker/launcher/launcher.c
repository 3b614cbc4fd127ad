// Puts the walls around a decoder and becomes it: limits, closed descriptors, no_new_privs, an AppArmor label, Landlock,
// a seccomp filter, then execve. Whatever was asked for and cannot be had ends the start (126): a decoder with fewer walls
// than its worker believes must not exist. Static, so that it needs no library inside the walls.
//
//   launcher [OPTION]... -- PROGRAM [ARGUMENT]...
//     --parent PID         die with this process, and do not start when it is gone already
//     --nice N             priority, 0 to 19
//     --limit NAME=VALUE   soft and hard rlimit: CORE, CPU (s), DATA (bytes), FSIZE (bytes), NOFILE
//     --stack LABEL        AppArmor label that is put on top of the own one by the execve
//     --landlock           files, TCP and scopes, as far as the kernel's Landlock goes; nothing is reachable but
//     --read PATH            a file, or all below a directory: read
//     --run PATH             the same: read and execute
//     --filter FILE        seccomp filter, struct sock_filter of this machine
//   launcher --probe       {"landlock":ABI or 0,"seccomp":true or false}, what the kernel has for an unprivileged process
//
// Descriptors from 3 on are closed and no_new_privs is set in any case. The environment is the caller's to empty.
// Exit codes of the launcher itself: 125 wrong call, 126 a wall cannot be had, 127 PROGRAM cannot be executed; one line
// on stderr says which and why. An execve that makes AppArmor scrub the environment also makes the kernel forget --parent.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// include/uapi/linux/landlock.h; by number, because headers of distributions are older than the kernels they run on.
enum { LANDLOCK_CREATE = 444, LANDLOCK_ADD = 445, LANDLOCK_RESTRICT = 446, CLOSE_RANGE = 436 };
enum { FS_EXECUTE = 1 << 0, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3, RULE_PATH_BENEATH = 1, VERSION = 1 };
struct ruleset { uint64_t files, network, scopes; };
struct path_beneath { uint64_t allowed; int32_t parent; } __attribute__((packed));

enum { PATHS_MAX = 128, INSTRUCTIONS_MAX = 4096, WRONG_CALL = 125, NO_WALL = 126, NO_PROGRAM = 127 };

struct options {
  pid_t parent;
  const char *label, *filter;
  int landlock, paths;
  struct { const char *option, *path; uint64_t allowed; } path[PATHS_MAX];
};

static void fail(int code, const char *what, const char *value) {
  const char *why = code == WRONG_CALL ? "wrong call" : strerror(errno);
  fprintf(stderr, "launcher: %s%s%s: %s\n", what, *value ? " " : "", value, why);
  _exit(code);
}

static long number(const char *option, const char *text, long min, long max) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  // strtol itself would also take blanks and signs.
  if (*text < '0' || *text > '9' || errno || *end || value < min || value > max) fail(WRONG_CALL, option, text);
  return value;
}

static void limit(const char *option, char *text) {
  static const struct { const char *name; int resource; } known[] = {
    {"CORE", RLIMIT_CORE}, {"CPU", RLIMIT_CPU}, {"DATA", RLIMIT_DATA}, {"FSIZE", RLIMIT_FSIZE}, {"NOFILE", RLIMIT_NOFILE}};
  char *value = strchr(text, '=');
  if (!value) fail(WRONG_CALL, option, text);
  *value++ = 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(text, known[i].name)) continue;
    rlim_t most = number(text, value, 0, INT64_MAX);
    if (setrlimit(known[i].resource, &(struct rlimit){most, most})) fail(NO_WALL, option, text);
    return;
  }
  fail(WRONG_CALL, option, text);
}

static int landlock_abi(void) {
  long abi = syscall(LANDLOCK_CREATE, NULL, 0, VERSION);
  return abi < 0 ? 0 : abi;
}

/** Everything that this kernel's Landlock can handle is handled, which means denied but for the paths. */
static void confine_by_landlock(const struct options *o) {
  int abi = landlock_abi();
  if (abi < 1) fail(NO_WALL, "--landlock", "");
  // Rights to files by ABI: 13 in the first, then refer, truncate, (TCP), ioctl_dev.
  int rights = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
  struct ruleset all = {(1u << rights) - 1, abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0};
  int rules = syscall(LANDLOCK_CREATE, &all, abi >= 6 ? 24 : abi >= 4 ? 16 : 8, 0);
  if (rules < 0) fail(NO_WALL, "--landlock", "");
  for (int i = 0; i < o->paths; i++) {
    struct stat st;
    int fd = open(o->path[i].path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) fail(NO_WALL, o->path[i].option, o->path[i].path);
    struct path_beneath rule = {o->path[i].allowed | (S_ISDIR(st.st_mode) ? FS_READ_DIR : 0), fd};
    if (syscall(LANDLOCK_ADD, rules, RULE_PATH_BENEATH, &rule, 0)) fail(NO_WALL, o->path[i].option, o->path[i].path);
    close(fd);
  }
  if (syscall(LANDLOCK_RESTRICT, rules, 0)) fail(NO_WALL, "--landlock", "");
  close(rules);
}

static struct sock_fprog read_filter(const char *path) {
  static struct sock_filter instructions[INSTRUCTIONS_MAX];
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st)) fail(NO_WALL, "--filter", path);
  ssize_t bytes = read(fd, instructions, sizeof instructions);
  errno = EINVAL;
  // Whole or not at all: the front of a filter may be a filter too, with less in it.
  if (bytes <= 0 || bytes != st.st_size || bytes % sizeof *instructions) fail(NO_WALL, "--filter", path);
  close(fd);
  return (struct sock_fprog){bytes / sizeof *instructions, instructions};
}

/** Takes effect at the execve. `stack` and not `exec`: the kernel refuses to replace a label under no_new_privs. */
static void stack_label(const char *label) {
  int fd = open("/proc/thread-self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
  if (fd < 0) fd = open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
  if (fd < 0) fail(NO_WALL, "--stack", label);
  char order[256];
  int length = snprintf(order, sizeof order, "stack %s", label);
  if (length >= (int)sizeof order) fail(WRONG_CALL, "--stack", label);
  if (write(fd, order, length) != length) fail(NO_WALL, "--stack", label);
  close(fd);
}

static int probe(void) {
  // A filter at NULL is EFAULT where filters are possible, EINVAL or ENOSYS where they are not.
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int seccomp = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) && errno == EFAULT;
  printf("{\"landlock\":%d,\"seccomp\":%s}\n", landlock_abi(), seccomp ? "true" : "false");
  return 0;
}

/** Reads the options, setting priority and limits on the way; returns the index of PROGRAM. */
static int read_options(int argc, char **argv, struct options *o) {
  int i = 1;
  for (; i < argc && strcmp(argv[i], "--"); i++) {
    const char *name = argv[i];
    if (!strcmp(name, "--landlock")) {
      o->landlock = 1;
      continue;
    }
    if (++i >= argc) fail(WRONG_CALL, name, "");
    char *value = argv[i];
    if (!strcmp(name, "--parent")) o->parent = number(name, value, 1, INT32_MAX);
    else if (!strcmp(name, "--nice")) {
      if (setpriority(PRIO_PROCESS, 0, number(name, value, 0, 19))) fail(NO_WALL, name, value);
    } else if (!strcmp(name, "--limit")) limit(name, value);
    else if (!strcmp(name, "--stack")) o->label = value;
    else if (!strcmp(name, "--filter")) o->filter = value;
    else if (!strcmp(name, "--read") || !strcmp(name, "--run")) {
      if (o->paths == PATHS_MAX) fail(WRONG_CALL, "too many paths", value);
      o->path[o->paths].option = name;
      o->path[o->paths].path = value;
      o->path[o->paths++].allowed = FS_READ_FILE | (strcmp(name, "--run") ? 0 : FS_EXECUTE);
    } else fail(WRONG_CALL, name, value);
  }
  if (i >= argc - 1) fail(WRONG_CALL, "no program", "");
  // Whoever names paths believes in a wall around them.
  if (o->paths && !o->landlock) fail(WRONG_CALL, "no --landlock", "");
  return i + 1;
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "--probe")) return probe();
  struct options o = {0};
  int program = read_options(argc, argv, &o);
  if (syscall(CLOSE_RANGE, 3, ~0u, 0)) fail(NO_WALL, "close_range", "");
  if (o.parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) fail(NO_WALL, "--parent", "");
    errno = ESRCH;
    if (getppid() != o.parent) fail(NO_WALL, "--parent", "");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fail(NO_WALL, "no_new_privs", "");
  if (o.label) stack_label(o.label);
  // Read while files can be opened, used last: it forbids what the steps before it need.
  struct sock_fprog filter = o.filter ? read_filter(o.filter) : (struct sock_fprog){0};
  if (o.landlock) confine_by_landlock(&o);
  if (o.filter && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) fail(NO_WALL, "--filter", o.filter);
  execv(argv[program], argv + program);
  fail(NO_PROGRAM, argv[program], "");
}
