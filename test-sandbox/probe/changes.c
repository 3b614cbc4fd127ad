// Changing anything that a next decoder, the worker or a disk could keep. What one makes it takes away again.
#include "probe.h"
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/xattr.h>

static long make_file(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  if (fd < 0) return -1;
  unlink(path);
  return opened(fd);
}

static long write_tmp(void) { return make_file(in_folder("made")); }
static long write_shm(void) { return make_file("/dev/shm/sekisho-probe-made"); }
/** Where fontconfig would write, and read again in the next decoder. */
static long font_cache_write(void) {
  const char *cache = fact("fontCache");
  char path[FACT_BYTES_MAX + 64];
  if (!cache) return ABSENT;
  snprintf(path, sizeof path, "%s/0123456789abcdef0123456789abcdef-le64.cache-9", cache);
  return make_file(path);
}

static long unnamed_file(void) { return opened(open(in_folder(""), O_TMPFILE | O_RDWR, 0600)); }
/** A script of decoders that this user may write: what stands there runs in the next decoder. */
static long decoder_code_write(void) {
  const char *path = fact("code");
  return path ? opened(open(path, O_WRONLY)) : ABSENT;
}

/** Opened for reading, and then again for writing through its descriptor. */
static long reopen_for_writing(void) {
  const char *path = fact("code");
  char again[64];
  if (!path) return ABSENT;
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
  long result = opened(open(again, O_WRONLY));
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static long proc_sys_write(void) { return opened(open("/proc/sys/kernel/core_pattern", O_WRONLY)); }

static long make_folder(void) {
  long result = mkdir(in_folder("made.d"), 0700);
  if (!result) rmdir(in_folder("made.d"));
  return result;
}

static long remove_file(void) { return unlink(in_folder("victim-remove")); }
static long truncate_file(void) { return truncate(in_folder("victim"), 1); }
static long change_mode(void) { return chmod(in_folder("victim"), 0640); }
static long change_owner(void) { return chown(in_folder("victim"), 0, 0); }
static long change_times(void) { return utimes(in_folder("victim"), NULL); }
static long set_attribute(void) {
  long result = setxattr(in_folder("victim"), "user.sekisho", "x", 1, 0);
  return result < 0 && errno == EOPNOTSUPP ? ABSENT : result;
}

static long rename_file(void) {
  long result = rename(in_folder("victim"), in_folder("renamed"));
  if (!result) rename(in_folder("renamed"), in_folder("victim"));
  return result;
}

static long make_symlink(void) {
  long result = symlink("/etc/passwd", in_folder("made.symlink"));
  if (!result) unlink(in_folder("made.symlink"));
  return result;
}

static long make_link(void) {
  long result = link(in_folder("victim"), in_folder("made.link"));
  if (!result) unlink(in_folder("made.link"));
  return result;
}

static long make_fifo(void) {
  long result = mkfifo(in_folder("made.fifo"), 0600);
  if (!result) unlink(in_folder("made.fifo"));
  return result;
}

/** Character device 1:1, all of the memory. */
static long make_device(void) {
  long result = mknod(in_folder("made.device"), S_IFCHR | 0600, 0x101);
  if (!result) unlink(in_folder("made.device"));
  return result;
}

const struct attempt change_attempts[] = {
  {.name = "write_tmp", .run = write_tmp},
  {.name = "write_shm", .run = write_shm},
  {.name = "font_cache_write", .run = font_cache_write},
  {.name = "unnamed_file", .run = unnamed_file},
  {.name = "decoder_code_write", .run = decoder_code_write},
  {.name = "reopen_for_writing", .run = reopen_for_writing},
  {.name = "proc_sys_write", .run = proc_sys_write},
  {.name = "mkdir_tmp", .run = make_folder},
  {.name = "unlink", .run = remove_file},
  {.name = "truncate", .run = truncate_file},
  {.name = "chmod", .run = change_mode},
  {.name = "chown", .run = change_owner},
  {.name = "utimes", .run = change_times},
  {.name = "setxattr", .run = set_attribute},
  {.name = "rename", .run = rename_file},
  {.name = "symlink", .run = make_symlink},
  {.name = "link", .run = make_link},
  {.name = "mkfifo", .run = make_fifo},
  {.name = "mknod", .run = make_device},
  {0}};
