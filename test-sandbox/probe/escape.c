// A program that should not run in a decoder. Says so on standard error.
//   escape --won NAME   it was started
//   escape --root       it was started and has become root
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "--won")) {
    return fprintf(stderr, "{\"attempt\":\"%s\",\"verdict\":\"success\"}\n", argv[2]) < 0;
  }
  const char *verdict = geteuid() ? "refused EPERM" : "success";
  return fprintf(stderr, "{\"attempt\":\"setuid_program\",\"verdict\":\"%s\"}\n", verdict) < 0;
}
