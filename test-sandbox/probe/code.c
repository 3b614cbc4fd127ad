// Code of others: libraries from elsewhere, and calls in the name of another architecture.
#include "probe.h"
#include <dlfcn.h>
#include <setjmp.h>

#ifdef PROBE_ADDON
static long dlopen_outside(void) {
  const char *path = fact("library");
  if (!path) return ABSENT;
  void *library = dlopen(path, RTLD_NOW);
  // The loader tells in words only.
  const char *why = library ? NULL : dlerror();
  if (why) {
    errno = strstr(why, strerror(EACCES)) ? EACCES : strstr(why, strerror(EPERM)) ? EPERM : ELIBACC;
    return -1;
  }
  dlclose(library);
  return 0;
}
#else
static long dlopen_outside(void) { return ABSENT; }
#endif

#ifdef __x86_64__
static sigjmp_buf back;
static void come_back(int signal) { siglongjmp(back, signal); }

/** getpid of 32-bit programs: other numbers, and so another meaning of every rule. */
static long int80_call(void) {
  struct sigaction before, catch = {.sa_handler = come_back};
  if (sigaction(SIGSEGV, &catch, &before)) return -1;
  long result = ABSENT;
  if (!sigsetjmp(back, 1)) __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
  sigaction(SIGSEGV, &before, NULL);
  if (result < 0 && result > -4096 && result != ABSENT) errno = -result;
  return result < 0 && result != ABSENT ? -1 : result;
}

/** getpid with the mark of x32. */
static long x32_call(void) { return syscall(0x40000000 | SYS_getpid); }
static long modify_ldt_call(void) {
  char table[8];
  return syscall(SYS_modify_ldt, 0, table, sizeof table);
}
static long iopl_call(void) { return syscall(SYS_iopl, 3); }
#else
static long int80_call(void) { return ABSENT; }
static long x32_call(void) { return ABSENT; }
static long modify_ldt_call(void) { return ABSENT; }
static long iopl_call(void) { return ABSENT; }
#endif

const struct attempt code_attempts[] = {
  {.name = "dlopen_outside", .run = dlopen_outside},
  {.name = "int80", .run = int80_call},
  {.name = "x32", .run = x32_call},
  {.name = "modify_ldt", .run = modify_ldt_call},
  {.name = "iopl", .run = iopl_call},
  {0}};
