// Attempts of an attacker who runs code of his own in a decoder. Each is one function: it returns 0 or more when the
// attempt gave him something, -1 with errno when it did not, ABSENT when this machine has nothing to attack.
// What an attempt would give and how that is told stands in ../attempts.ts, which must name the same ones.
#ifndef PROBE_H
#define PROBE_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ABSENT = -2, FACT_BYTES_MAX = 256 };

typedef long attempt_function(void);
struct attempt {
  const char *name;
  attempt_function *run;
  /** errno values that are a refusal of this attempt beside EPERM, EACCES and ENOSYS. */
  int also[3];
};

/** Lists end with an entry without a name. */
extern const struct attempt network_attempts[], socket_attempts[], file_attempts[], change_attempts[], proc_attempts[],
  signal_attempts[], process_attempts[], start_attempts[], memory_attempts[], code_attempts[], kernel_attempts[],
  machine_attempts[], sharing_attempts[], inherited_attempts[], environment_attempts[], limit_attempts[], possible_attempts[];

/** What the driver says about the victims: pids, ports, paths. `fact` is NULL and `number` is -1 where it says nothing. */
void learn(const char *key_and_value);
const char *fact(const char *key);
long number(const char *key);
/** Path below the folder of the driver, in a buffer of its own per call site of four. */
const char *in_folder(const char *name);

const struct attempt *find_attempt(const char *name);
/** Calls for every attempt in order. */
void each_attempt(void (*call)(const struct attempt *, void *), void *context);
/** "success", "refused EPERM", "error EBADF", "absent": the whole verdict in `text`. */
void try_attempt(const struct attempt *attempt, char *text, size_t bytes);

/** For calls whose arguments are wrong on purpose: `error` comes only after the kernel has let the caller in. */
static inline long reached(long result, int error) { return result < 0 && errno == error ? 0 : result; }
/** Closes what an open has given, and keeps its errno. */
long opened(int fd);
#endif
