// Sockets inside the machine, and devices behind descriptors.
#include "probe.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static long connect_to(const char *name, int abstract) {
  if (!name) return ABSENT;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path + abstract, sizeof to.sun_path - abstract, "%s", name);
  socklen_t bytes = offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name) + !abstract;
  long result = connect(fd, (void *)&to, bytes);
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static long unix_connect(void) { return connect_to(fact("unix"), 0); }
static long unix_abstract(void) { return connect_to(fact("abstract"), 1); }

static long unix_socketpair(void) {
  int both[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, both)) return -1;
  close(both[0]);
  return opened(both[1]);
}

/** Standard error is a socket: with it descriptors can be put into the worker until it has none left. */
static long send_descriptor(void) {
  char byte = '\n';
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {0};
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
  memcpy(CMSG_DATA(head), &(int){0}, sizeof(int));
  return sendmsg(STDERR_FILENO, &message, 0);
}

/** A pipe has no terminal; what counts is whether the request gets as far as the code that says so. */
static long tiocsti(void) {
  long result = ioctl(STDIN_FILENO, TIOCSTI, "x");
  return result < 0 && (errno == EINVAL || errno == EIO) ? 0 : reached(result, ENOTTY);
}

static long open_terminals(void) { return opened(open("/dev/ptmx", O_RDWR | O_NOCTTY)); }

const struct attempt socket_attempts[] = {
  {.name = "unix_connect", .run = unix_connect},
  {.name = "unix_abstract", .run = unix_abstract},
  {.name = "socketpair", .run = unix_socketpair},
  {.name = "send_descriptor", .run = send_descriptor},
  {.name = "tiocsti", .run = tiocsti},
  {.name = "open_ptmx", .run = open_terminals},
  {0}};
