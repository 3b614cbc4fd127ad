// The list of all attempts, what they know, and the verdict on one.
#include "probe.h"

enum { FACTS_MAX = 32, BUFFERS = 4 };
static char facts[FACTS_MAX][FACT_BYTES_MAX];
static int known;

void learn(const char *key_and_value) {
  if (known < FACTS_MAX) snprintf(facts[known++], FACT_BYTES_MAX, "%s", key_and_value);
}

const char *fact(const char *key) {
  size_t length = strlen(key);
  for (int i = 0; i < known; i++) {
    if (!strncmp(facts[i], key, length) && facts[i][length] == '=') return facts[i] + length + 1;
  }
  return NULL;
}

long number(const char *key) {
  const char *text = fact(key);
  return text ? atol(text) : -1;
}

const char *in_folder(const char *name) {
  static char paths[BUFFERS][FACT_BYTES_MAX + 32];
  static int next;
  char *path = paths[next++ % BUFFERS];
  const char *folder = fact("folder");
  snprintf(path, sizeof *paths, "%s/%s", folder ? folder : "/tmp", name);
  return path;
}

long opened(int fd) {
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

static const struct attempt *const lists[] = {
  network_attempts, socket_attempts, file_attempts, change_attempts, proc_attempts, signal_attempts, process_attempts,
  start_attempts, memory_attempts, code_attempts, kernel_attempts, machine_attempts, sharing_attempts,
  inherited_attempts, environment_attempts, limit_attempts, possible_attempts};

void each_attempt(void (*call)(const struct attempt *, void *), void *context) {
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    for (const struct attempt *attempt = lists[i]; attempt->name; attempt++) call(attempt, context);
  }
}

struct search { const char *name; const struct attempt *found; };
static void compare(const struct attempt *attempt, void *context) {
  struct search *search = context;
  if (!strcmp(attempt->name, search->name)) search->found = attempt;
}

const struct attempt *find_attempt(const char *name) {
  struct search search = {name, NULL};
  each_attempt(compare, &search);
  return search.found;
}

static int is_refusal(const struct attempt *attempt, int error) {
  if (error == EPERM || error == EACCES || error == ENOSYS) return 1;
  for (size_t i = 0; i < sizeof attempt->also / sizeof *attempt->also; i++) {
    if (attempt->also[i] && attempt->also[i] == error) return 1;
  }
  return 0;
}

void try_attempt(const struct attempt *attempt, char *text, size_t bytes) {
  errno = 0;
  long result = attempt->run();
  int error = errno;
  if (result >= 0) snprintf(text, bytes, "success");
  else if (result == ABSENT) snprintf(text, bytes, "absent");
  else snprintf(text, bytes, "%s %s", is_refusal(attempt, error) ? "refused" : "error", strerrorname_np(error));
}
