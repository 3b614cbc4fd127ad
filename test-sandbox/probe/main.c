// The attempts as a static program, for places without Node.
//
//   probe --list                        every name
//   probe [--fact KEY=VALUE]... [NAME]... one JSON line before each attempt and one with its verdict; all without a NAME
#include "probe.h"

static void print_name(const struct attempt *attempt, void *context) {
  (void)context;
  puts(attempt->name);
}

static void print_verdict(const struct attempt *attempt, void *context) {
  (void)context;
  char verdict[64];
  // Before, because a filter may end the process in the middle.
  printf("{\"begin\":\"%s\"}\n", attempt->name);
  fflush(stdout);
  try_attempt(attempt, verdict, sizeof verdict);
  printf("{\"attempt\":\"%s\",\"verdict\":\"%s\"}\n", attempt->name, verdict);
  fflush(stdout);
}

int main(int argc, char **argv) {
  int i = 1;
  if (argc == 2 && !strcmp(argv[1], "--list")) {
    each_attempt(print_name, NULL);
    return 0;
  }
  for (; i + 1 < argc && !strcmp(argv[i], "--fact"); i += 2) learn(argv[i + 1]);
  if (i == argc) each_attempt(print_verdict, NULL);
  for (; i < argc; i++) {
    const struct attempt *attempt = find_attempt(argv[i]);
    if (!attempt) {
      fprintf(stderr, "probe: no attempt %s\n", argv[i]);
      return 125;
    }
    print_verdict(attempt, NULL);
  }
  return 0;
}
