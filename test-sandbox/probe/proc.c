// Other processes and oneself through /proc.
#include "probe.h"
#include <dirent.h>

enum { SCAN_BYTES = 1 << 16, REGION_BYTES_MAX = 1 << 27, REGIONS_MAX = 4096 };

static const char *proc_path(const char *key, const char *rest) {
  static char path[64];
  snprintf(path, sizeof path, "/proc/%ld/%s", number(key), rest);
  return path;
}

static long read_proc(const char *key, const char *rest) {
  if (number(key) < 0) return ABSENT;
  int fd = open(proc_path(key, rest), O_RDONLY);
  if (fd < 0) return -1;
  char byte;
  long result = read(fd, &byte, 1);
  int error = errno;
  close(fd);
  errno = error;
  // Nothing to read is nothing gained: the environment of a sibling is empty but for three settings.
  if (!result) errno = ENODATA;
  return result > 0 ? result : -1;
}

static long parent_environ(void) { return read_proc("parent", "environ"); }
static long parent_maps(void) { return read_proc("parent", "maps"); }
static long parent_cmdline(void) { return read_proc("parent", "cmdline"); }
static long parent_timing(void) { return read_proc("parent", "stat"); }
static long parent_root(void) { return read_proc("parent", "root/etc/passwd"); }
static long sibling_environ(void) { return read_proc("sibling", "environ"); }

static long parent_mem(void) { return number("parent") < 0 ? ABSENT : opened(open(proc_path("parent", "mem"), O_RDWR)); }

static long parent_cwd(void) {
  DIR *folder = number("parent") < 0 ? NULL : opendir(proc_path("parent", "cwd"));
  if (!folder) return -1;
  return closedir(folder);
}

/** The file that the worker holds open under this number, password and all. */
static long parent_fd(void) {
  char rest[32];
  snprintf(rest, sizeof rest, "fd/%ld", number("parentFd"));
  return number("parentFd") < 0 ? ABSENT : read_proc("parent", rest);
}

static int holds(int mem, unsigned long from, unsigned long to, const char *marker) {
  static char bytes[SCAN_BYTES];
  size_t length = strlen(marker);
  for (unsigned long at = from; at < to; at += sizeof bytes - length) {
    ssize_t got = pread(mem, bytes, sizeof bytes, at);
    if (got > 0 && memmem(bytes, got, marker, length)) return 1;
  }
  return 0;
}

/** Another site's picture, in the memory of the decoder beside this one. */
static long sibling_picture(void) {
  const char *marker = fact("marker");
  if (!marker || number("sibling") < 0) return ABSENT;
  FILE *maps = fopen(proc_path("sibling", "maps"), "r");
  if (!maps) return -1;
  int mem = open(proc_path("sibling", "mem"), O_RDONLY), found = 0, regions = 0;
  int error = errno;
  unsigned long from, to;
  char line[512], mode[8];
  while (mem >= 0 && !found && regions++ < REGIONS_MAX && fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strncmp(mode, "rw", 2)) continue;
    if (to - from <= REGION_BYTES_MAX) found = holds(mem, from, to, marker);
  }
  fclose(maps);
  if (mem >= 0) close(mem);
  errno = mem < 0 ? error : ENODATA;
  return found ? 0 : -1;
}

static long sibling_mem_write(void) {
  return number("sibling") < 0 ? ABSENT : opened(open(proc_path("sibling", "mem"), O_RDWR));
}

/** Any other process at all: names, users, times. */
static long proc_list(void) {
  DIR *proc = opendir("/proc");
  if (!proc) return -1;
  return closedir(proc);
}

static volatile int patched = 1;
__attribute__((noinline)) static int answer(void) { return patched ? 1 : 0; }

/** Writing through /proc/self/mem does not ask whether a page may be written: code becomes what one likes. */
static long self_mem_write(void) {
  int fd = open("/proc/self/mem", O_RDWR);
  if (fd < 0) return -1;
  unsigned char byte;
  long result = pread(fd, &byte, 1, (off_t)(uintptr_t)answer);
  if (result == 1) result = pwrite(fd, &byte, 1, (off_t)(uintptr_t)answer);
  int error = errno;
  close(fd);
  errno = error;
  return result == 1 ? 0 : -1;
}

static long self_environ(void) { return opened(open("/proc/self/environ", O_RDONLY)); }
static long self_fd_list(void) {
  DIR *folder = opendir("/proc/self/fd");
  return folder ? closedir(folder) : -1;
}

const struct attempt proc_attempts[] = {
  {.name = "parent_environ", .run = parent_environ},
  {.name = "parent_mem", .run = parent_mem},
  {.name = "parent_fd", .run = parent_fd},
  {.name = "parent_root", .run = parent_root},
  {.name = "parent_cwd", .run = parent_cwd},
  {.name = "parent_maps", .run = parent_maps},
  {.name = "parent_cmdline", .run = parent_cmdline},
  {.name = "parent_timing", .run = parent_timing},
  {.name = "sibling_environ", .run = sibling_environ},
  {.name = "sibling_picture", .run = sibling_picture},
  {.name = "sibling_mem_write", .run = sibling_mem_write},
  {.name = "proc_list", .run = proc_list},
  {.name = "self_environ", .run = self_environ},
  {.name = "self_fd_list", .run = self_fd_list},
  {.name = "self_mem_write", .run = self_mem_write},
  {0}};
