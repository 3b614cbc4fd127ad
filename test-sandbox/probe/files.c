// Reading what is not the decoder's.
#include "probe.h"
#include <dirent.h>
#include <dlfcn.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static long read_byte(const char *path) {
  if (!path) return ABSENT;
  int fd = open(path, O_RDONLY);
  if (fd < 0) return errno == ENOENT ? ABSENT : -1;
  char byte;
  long result = read(fd, &byte, 1);
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static long open_passwd(void) { return read_byte("/etc/passwd"); }
static long open_shadow(void) { return read_byte("/etc/shadow"); }
static long sa_token(void) { return read_byte(fact("token")); }
static long redis_password(void) { return read_byte(fact("secret")); }
static long openssl_conf_read(void) { return read_byte("/etc/ssl/openssl.cnf"); }
static long kernel_release(void) { return read_byte("/proc/sys/kernel/osrelease"); }

static long list_folder(void) {
  const char *path = fact("folder");
  if (!path) return ABSENT;
  DIR *folder = opendir(path);
  if (!folder) return -1;
  long result = readdir(folder) ? 0 : -1;
  closedir(folder);
  return result;
}

static long inotify_watch(void) {
  int fd = inotify_init1(0);
  if (fd < 0) return -1;
  long result = inotify_add_watch(fd, in_folder(""), IN_ALL_EVENTS);
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static long fanotify(void) {
  // FAN_REPORT_FID is what a process without privileges may ask for.
  long fd = syscall(SYS_fanotify_init, 0x200, 0);
  return fd < 0 ? fd : opened(fd);
}

static long name_to_handle(void) {
  struct { unsigned bytes; int type; unsigned char handle[128]; } name = {128, 0, {0}};
  int mount;
  return syscall(SYS_name_to_handle_at, AT_FDCWD, in_folder(""), &name, &mount, 0);
}

/** A handle that names no file: ESTALE comes from the file system, past every permission. */
static long open_by_handle(void) {
  struct { unsigned bytes; int type; unsigned char handle[8]; } name = {8, 1, {0}};
  return reached(syscall(SYS_open_by_handle_at, AT_FDCWD, &name, O_RDONLY), ESTALE);
}

const struct attempt file_attempts[] = {
  {.name = "open_passwd", .run = open_passwd},
  {.name = "open_shadow", .run = open_shadow},
  {.name = "sa_token", .run = sa_token},
  {.name = "redis_password", .run = redis_password},
  {.name = "openssl_conf_read", .run = openssl_conf_read},
  {.name = "proc_sys_read", .run = kernel_release},
  {.name = "list_folder", .run = list_folder},
  {.name = "inotify_watch", .run = inotify_watch},
  {.name = "fanotify_init", .run = fanotify},
  {.name = "name_to_handle", .run = name_to_handle},
  {.name = "open_by_handle", .run = open_by_handle},
  {0}};
