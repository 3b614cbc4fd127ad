// Starting processes and programs. A program that takes the place of the decoder says itself that it has won.
#include "probe.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

static char *const none[] = {NULL};
#define WON(name) "{\"attempt\":\"" name "\",\"verdict\":\"success\"}"

/** Node has marked its standard descriptors to be closed by an execve; the new program needs them to tell. */
static int become(int directory, const char *path, char *const arguments[], char *const settings[], int flags) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) fcntl(fd, F_SETFD, 0);
  return flags < 0 ? execve(path, arguments, settings) : (int)syscall(SYS_execveat, directory, path, arguments, settings, flags);
}
enum { BY_EXECVE = -1 };

static long wait_for(long pid) {
  if (!pid) _exit(0);
  if (pid > 0) waitpid(pid, NULL, __WALL);
  return pid;
}

static long plain_fork(void) { return wait_for(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
#ifdef SYS_vfork
static long vfork_call(void) { return wait_for(syscall(SYS_fork)); }
#else
static long vfork_call(void) { return ABSENT; }
#endif
/** Empty arguments: EINVAL comes from behind every filter. */
static long clone3_call(void) { return reached(syscall(SYS_clone3, NULL, 0), EINVAL); }
static long clone_user(void) { return wait_for(syscall(SYS_clone, 0x10000000 | SIGCHLD, 0, 0, 0, 0)); }

/** A shell says something on standard error without a call for it only when it complains. */
static char *const complain[] = {"sh", "-c", ": ${absent:?$won}", NULL};

static long execve_sh(void) {
  char *const settings[] = {"won=" WON("execve_sh"), NULL};
  return become(-1, "/bin/sh", complain, settings, BY_EXECVE);
}

/** Another program that the decoder may read but not execute, through the loader that it may. */
static long execve_outside(void) {
  const char *path = fact("program");
  if (!path) return ABSENT;
  char *const call[] = {(char *)path, "--won", "execve_outside", NULL};
  return become(-1, path, call, none, BY_EXECVE);
}

/** A program that exists in memory only. */
static long memfd_exec(void) {
  int fd = syscall(SYS_memfd_create, "x", 0);
  static const char script[] = "#!/bin/sh\n: ${absent:?$won}\n";
  if (fd < 0) return -1;
  if (write(fd, script, sizeof script - 1) < 0) return -1;
  char *const call[] = {"x", NULL}, *const settings[] = {"won=" WON("memfd_exec"), NULL};
  return become(fd, "", call, settings, AT_EMPTY_PATH);
}

static long execveat_sh(void) {
  char *const settings[] = {"won=" WON("execveat_sh"), NULL};
  return become(AT_FDCWD, "/bin/sh", complain, settings, 0);
}

static const char READ_PASSWD[] = "let verdict = 'success'; try { fs.readFileSync('/etc/passwd'); } catch (error) { verdict = `refused ${error.code}`; }"
  "fs.writeSync(2, `${JSON.stringify({ attempt: process.env.NAME, verdict })}\\n`);";

/** Becoming Node once more is possible, it is how a decoder starts. It must be inside the same walls. */
static long become_node(const char *path, char *name) {
  char *const call[] = {(char *)path, "--jitless", "-e", (char *)READ_PASSWD, NULL};
  char *const settings[] = {"OPENSSL_CONF=/dev/null", name, NULL};
  return become(-1, path, call, settings, BY_EXECVE);
}

static long execve_node(void) { return fact("node") ? become_node(fact("node"), "NAME=execve_node") : ABSENT; }
/** The program is known by its process, not by its path. */
static long execve_self(void) { return fact("node") ? become_node("/proc/self/exe", "NAME=execve_self_exe") : ABSENT; }

/** A program with the set-user-ID bit of root. */
static long setuid_program(void) {
  const char *path = fact("setuid");
  if (!path) return ABSENT;
  char *const call[] = {(char *)path, "--root", NULL};
  return become(-1, path, call, none, BY_EXECVE);
}

const struct attempt start_attempts[] = {
  {.name = "fork", .run = plain_fork},
  {.name = "fork_call", .run = vfork_call},
  {.name = "clone3", .run = clone3_call},
  {.name = "clone_user", .run = clone_user},
  {.name = "execve_sh", .run = execve_sh},
  {.name = "execve_outside", .run = execve_outside},
  {.name = "memfd_exec", .run = memfd_exec, .also = {EFBIG}},
  {.name = "execveat_sh", .run = execveat_sh},
  {.name = "execve_node", .run = execve_node},
  {.name = "execve_self_exe", .run = execve_self},
  {.name = "setuid_program", .run = setuid_program},
  {0}};
