// Descriptors that the worker had open when it started the decoder.
#include "probe.h"
#include <sys/stat.h>

enum { FIRST = 3, LAST = 63 };

static long inherited_secret(void) {
  char byte;
  return number("leakedSecret") < 0 ? ABSENT : read(number("leakedSecret"), &byte, 1);
}

static long inherited_write(void) { return number("leakedFile") < 0 ? ABSENT : write(number("leakedFile"), "x", 1); }
/** A connection of the worker, say to Redis: whoever writes into it has the rights of the worker there. */
static long inherited_socket(void) { return number("leakedSocket") < 0 ? ABSENT : write(number("leakedSocket"), "x", 1); }

/** Node's own descriptors are of no kind (epoll, events) or pipes. Files, folders and sockets are the worker's. */
static long inherited_any(void) {
  for (int fd = FIRST; fd <= LAST; fd++) {
    struct stat of;
    if (!fstat(fd, &of) && (S_ISREG(of.st_mode) || S_ISDIR(of.st_mode) || S_ISSOCK(of.st_mode))) return 0;
  }
  errno = EBADF;
  return -1;
}

const struct attempt inherited_attempts[] = {
  {.name = "inherited_secret", .run = inherited_secret, .also = {EBADF}},
  {.name = "inherited_write", .run = inherited_write, .also = {EBADF, EFBIG}},
  {.name = "inherited_socket", .run = inherited_socket, .also = {EBADF}},
  {.name = "inherited_any", .run = inherited_any, .also = {EBADF}},
  {0}};
