// No attempts: what stays possible behind all walls, and is told so in the documentation. A test holds that it is still true.
#include "probe.h"
#include <pthread.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

/** Landlock has no right for it, and Node looks for packages with it. */
static long stat_file(void) {
  struct stat of;
  return stat("/etc/passwd", &of);
}

static long machine_load(void) {
  struct sysinfo load;
  return sysinfo(&load);
}

static void *nothing(void *context) { return context; }
static long new_thread(void) {
  pthread_t thread;
  return pthread_create(&thread, NULL, nothing, NULL) ? -1 : pthread_join(thread, NULL);
}

const struct attempt possible_attempts[] = {
  {.name = "stat_file", .run = stat_file},
  {.name = "machine_load", .run = machine_load},
  {.name = "new_thread", .run = new_thread},
  {0}};
