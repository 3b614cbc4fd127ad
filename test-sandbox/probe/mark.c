// A library that leaves a mark when something loads it: built once per mark, for LD_PRELOAD, LD_LIBRARY_PATH and OPENSSL_CONF.
#include <stdlib.h>
__attribute__((constructor)) static void leave_mark(void) { setenv(MARK, "1", 1); }

/** An OpenSSL provider that provides nothing: were it none, Node would not start with it. */
int OSSL_provider_init(const void *handle, const void *offered, const void **provided, void **context) {
  static const struct { int function; void (*call)(void); } nothing[] = {{0, NULL}};
  (void)handle, (void)offered;
  *provided = nothing;
  *context = NULL;
  return 1;
}
