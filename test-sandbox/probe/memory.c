// Memory that can be run, or had without end.
#include "probe.h"
#include <sys/mman.h>
#include <sys/personality.h>

#if defined(__x86_64__)
static const unsigned char ANSWER_42[] = {0xb8, 42, 0, 0, 0, 0xc3}; // mov eax, 42; ret
#elif defined(__aarch64__)
static const unsigned char ANSWER_42[] = {0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6}; // mov w0, #42; ret
#endif
enum { PAGE = 4096, RWX = PROT_READ | PROT_WRITE | PROT_EXEC, EMPTY = MAP_PRIVATE | MAP_ANONYMOUS };

static long run_at(void *page) {
  __builtin___clear_cache(page, (char *)page + sizeof ANSWER_42);
  return ((int (*)(void))page)() == 42 ? 0 : -1;
}

/** Writes code of one's own into memory and runs it. */
static long write_and_run(void *page) {
  if (page == MAP_FAILED) return -1;
  memcpy(page, ANSWER_42, sizeof ANSWER_42);
  long result = run_at(page);
  munmap(page, PAGE);
  return result;
}

static long mmap_exec_anon(void) { return write_and_run(mmap(NULL, PAGE, RWX, EMPTY, -1, 0)); }

/** A private copy of a file is memory like any other, whatever the file holds. */
static long mmap_exec_file(void) {
  const char *path = fact("code");
  if (!path) return ABSENT;
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  void *page = mmap(NULL, PAGE, RWX, MAP_PRIVATE, fd, 0);
  int error = errno;
  close(fd);
  errno = error;
  return write_and_run(page);
}

static long written_then(long (*make_executable)(void *page)) {
  void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, EMPTY, -1, 0);
  if (page == MAP_FAILED) return -1;
  memcpy(page, ANSWER_42, sizeof ANSWER_42);
  long result = make_executable(page) ? -1 : run_at(page);
  int error = errno;
  munmap(page, PAGE);
  errno = error;
  return result;
}

static long by_mprotect(void *page) { return mprotect(page, PAGE, PROT_READ | PROT_EXEC); }
static long by_key(void *page) { return syscall(SYS_pkey_mprotect, page, PAGE, PROT_READ | PROT_EXEC, -1); }
static long mprotect_exec(void) { return written_then(by_mprotect); }
static long pkey_mprotect_exec(void) { return written_then(by_key); }

__attribute__((noinline, aligned(PAGE))) static int own_code(void) { return 41; }

/** Code that is mapped already, made writable, changed, made executable again. */
static long mprotect_code(void) {
  void *page = (void *)((uintptr_t)own_code & -(uintptr_t)PAGE);
  return mprotect(page, PAGE, RWX);
}

static long run_file(int fd) {
  if (fd < 0) return -1;
  long result = write(fd, ANSWER_42, sizeof ANSWER_42) < 0 ? -1 : 0;
  void *page = result ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  int error = errno;
  close(fd);
  errno = error;
  if (page == MAP_FAILED) return -1;
  result = run_at(page);
  munmap(page, PAGE);
  return result;
}

/** First written, then mapped as code: nothing is ever both at once. A limit on file sizes stops the writing (EFBIG). */
static long written_file_exec(void) {
  const char *path = in_folder("made.code");
  long result = run_file(open(path, O_RDWR | O_CREAT, 0700));
  int error = errno;
  unlink(path);
  errno = error;
  return result;
}

static long memfd_map_exec(void) { return run_file(syscall(SYS_memfd_create, "x", 0)); }
static long memfd_create_call(void) {
  long fd = syscall(SYS_memfd_create, "x", 0);
  return fd < 0 ? fd : opened(fd);
}

/** What can be read can be run from then on, without the word PROT_EXEC ever being said. */
static long personality_exec(void) {
  if (personality(READ_IMPLIES_EXEC) < 0) return -1;
  return write_and_run(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, EMPTY, -1, 0));
}

static long userfault(void) {
  long fd = syscall(SYS_userfaultfd, 1);
  return fd < 0 ? fd : opened(fd);
}

const struct attempt memory_attempts[] = {
  {.name = "mmap_exec_anon", .run = mmap_exec_anon},
  {.name = "mmap_exec_file", .run = mmap_exec_file},
  {.name = "mprotect_exec", .run = mprotect_exec},
  {.name = "pkey_mprotect_exec", .run = pkey_mprotect_exec},
  {.name = "mprotect_code", .run = mprotect_code},
  {.name = "written_file_exec", .run = written_file_exec, .also = {EFBIG}},
  {.name = "memfd_create", .run = memfd_create_call},
  {.name = "memfd_map_exec", .run = memfd_map_exec, .also = {EFBIG}},
  {.name = "personality_exec", .run = personality_exec},
  {.name = "userfaultfd", .run = userfault},
  {0}};
