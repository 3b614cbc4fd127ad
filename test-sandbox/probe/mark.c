// A library that leaves a mark when something loads it: built once per mark, for LD_PRELOAD and OPENSSL_CONF.
#include <stdlib.h>
__attribute__((constructor)) static void leave_mark(void) { setenv(MARK, "1", 1); }
