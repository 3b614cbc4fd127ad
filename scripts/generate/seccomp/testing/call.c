// Makes one system call and prints `ok` or the name of its error; for tests that run it with and without a filter.
//   call NUMBER [ARGUMENT]...    an argument is a number, or path: a file that is not there, page: memory, file: a descriptor
//   call i386 NUMBER             the same without arguments, through the 32-bit entry of x86_64
// Static, so that under the filter only its own calls happen.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char page[4096] __attribute__((aligned(4096)));
static int file;

static long value(const char *text) {
  if (!strcmp(text, "path")) return (long)"/nowhere/at/all";
  if (!strcmp(text, "page")) return (long)page;
  if (!strcmp(text, "file")) return file;
  return strtoull(text, NULL, 0);
}

static long by_i386(long number) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number) : "memory", "r8", "r9", "r10", "r11");
  if (result >= 0) return result;
  errno = -result;
#else
  (void)number;
  errno = ENOSYS;
#endif
  return -1;
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  pid_t self = getpid();
  file = open(argv[0], O_RDONLY);
  long a[6] = {0};
  for (int i = 0; i < 6 && i + 2 < argc; i++) a[i] = value(argv[i + 2]);
  long result = strcmp(argv[1], "i386") ? syscall(value(argv[1]), a[0], a[1], a[2], a[3], a[4], a[5]) : by_i386(a[0]);
  if (getpid() != self) _exit(0);
  puts(result < 0 ? strerrorname_np(errno) : "ok");
  return 0;
}
