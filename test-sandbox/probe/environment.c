// What the environment of the worker would do to its decoders. The driver puts the marks there.
#include "probe.h"
#include <dlfcn.h>

extern char **environ;

static long none(void) {
  errno = ENODATA;
  return -1;
}

static long environment_secret(void) {
  const char *secret = fact("environmentSecret");
  if (!secret) return ABSENT;
  for (char **entry = environ; *entry; entry++) {
    if (strstr(*entry, secret)) return 0;
  }
  return none();
}

/** Each library that the environment brings in sets a variable when it is loaded. */
static long loaded_by(const char *mark) { return getenv(mark) ? 0 : none(); }

static long ld_preload(void) { return loaded_by("SEKISHO_PROBE_PRELOADED"); }
static long openssl_conf(void) { return loaded_by("SEKISHO_PROBE_OPENSSL"); }

#ifdef PROBE_ADDON
static long ld_library_path(void) { return dlopen("libsekisho-probe-elsewhere.so", RTLD_NOW) ? 0 : none(); }
#else
static long ld_library_path(void) { return ABSENT; }
#endif

const struct attempt environment_attempts[] = {
  {.name = "environment_secret", .run = environment_secret, .also = {ENODATA}},
  {.name = "ld_preload", .run = ld_preload, .also = {ENODATA}},
  {.name = "openssl_conf", .run = openssl_conf, .also = {ENODATA}},
  {.name = "ld_library_path", .run = ld_library_path, .also = {ENODATA}},
  {0}};
