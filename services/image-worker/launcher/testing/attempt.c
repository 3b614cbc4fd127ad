// Tries one thing and prints `ok` or the name of the error; for the test of the launcher, which runs it with and without
// each wall. Static like the launcher: inside Landlock nothing but itself has to be reachable.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *verb, *what;
static int is(const char *name) { return !strcmp(verb, name); }

static int tcp(int (*call)(int, const struct sockaddr *, socklen_t)) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(what)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  return fd < 0 ? fd : call(fd, (struct sockaddr *)&to, sizeof to);
}

static int abstract(void) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path + 1, what, sizeof to.sun_path - 2);
  return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(what));
}

static int copy(int flags) {
  char byte = 'x';
  int fd = open(what, flags, 0600);
  return fd < 0 ? fd : flags ? write(fd, &byte, 1) : read(fd, &byte, 1);
}

static int allocate(void) {
  char *bytes = malloc(atol(what));
  return bytes ? (bytes[0] = 1, 0) : -1;
}

static int open_many(void) {
  for (int i = atoi(what); i > 0; i--) if (open("/dev/null", O_RDONLY) < 0) return -1;
  return 0;
}

static int burn(void) {
  while (clock() < atol(what) * CLOCKS_PER_SEC / 1000) ;
  return 0;
}

/** What the launcher has set, as JSON. */
static int state(char **env) {
  static const int known[] = {RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE};
  printf("{\"descriptors\":[");
  for (int fd = 0, n = 0; fd < 1024; fd++) if (fcntl(fd, F_GETFD) >= 0) printf("%s%d", n++ ? "," : "", fd);
  printf("],\"limits\":[");
  for (int i = 0; i < 5; i++) {
    struct rlimit l;
    getrlimit(known[i], &l);
    printf("%s[%ld,%ld]", i ? "," : "", (long)l.rlim_cur, (long)l.rlim_max);
  }
  printf("],\"nice\":%d,\"noNewPrivs\":%d,\"env\":[", getpriority(PRIO_PROCESS, 0), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  for (int i = 0; env[i]; i++) printf("%s\"%s\"", i ? "," : "", env[i]);
  return printf("]}\n") < 0;
}

int main(int argc, char **argv, char **env) {
  verb = argc > 1 ? argv[1] : "";
  what = argc > 2 ? argv[2] : "";
  if (is("state")) return state(env);
  if (is("arguments")) {
    for (int i = 2; i < argc; i++) puts(argv[i]);
    return 0;
  }
  // Never for ever: a test that fails leaves nothing running.
  if (is("stay")) return (int)sleep(20);
  int result = is("read") ? copy(O_RDONLY)
    : is("write") ? copy(O_WRONLY | O_CREAT)
    : is("list") ? (opendir(what) ? 0 : -1)
    : is("run") ? execl(what, what, "arguments", "ok", NULL)
    : is("connect") ? tcp(connect)
    : is("bind") ? tcp(bind)
    : is("signal") ? kill(atoi(what), 0)
    : is("abstract") ? abstract()
    : is("allocate") ? allocate()
    : is("open") ? open_many()
    : is("burn") ? burn()
    : (errno = ENOSYS, -1);
  puts(result < 0 ? strerrorname_np(errno) : "ok");
  return 0;
}
