// The attempts as a library that a decoder loads with process.dlopen: names(), learn(fact), attempt(name), inherit(fd).
// The interface is Node-API version 1, whose functions node itself exports; declared here, because nobody has its headers.
#include "probe.h"

/** Above what a fresh node opens, below the limit of a decoder. */
enum { LEAKED_FROM = 48 };

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
extern int napi_get_value_int32(napi_env, napi_value, int32_t *);
extern int napi_create_string_utf8(napi_env, const char *, size_t, napi_value *);
extern int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
extern int napi_set_named_property(napi_env, napi_value, const char *, napi_value);

static napi_value argument(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value value = NULL;
  napi_get_cb_info(env, info, &count, &value, NULL, NULL);
  return value;
}

static void text_of(napi_env env, napi_callback_info info, char *text) {
  size_t length = 0;
  *text = 0;
  napi_get_value_string_utf8(env, argument(env, info), text, FACT_BYTES_MAX, &length);
}

static napi_value text_value(napi_env env, const char *text) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, strlen(text), &value);
  return value;
}

static void append_name(const struct attempt *attempt, void *context) {
  strcat(strcat(context, attempt->name), "\n");
}

static napi_value names(napi_env env, napi_callback_info info) {
  static char all[16384];
  (void)info;
  *all = 0;
  each_attempt(append_name, all);
  return text_value(env, all);
}

static napi_value learn_fact(napi_env env, napi_callback_info info) {
  char text[FACT_BYTES_MAX];
  text_of(env, info, text);
  learn(text);
  return NULL;
}

static napi_value try_one(napi_env env, napi_callback_info info) {
  char name[FACT_BYTES_MAX], verdict[64] = "error unknown";
  text_of(env, info, name);
  const struct attempt *attempt = find_attempt(name);
  if (attempt) try_attempt(attempt, verdict, sizeof verdict);
  return text_value(env, verdict);
}

/** A copy of a descriptor that outlives an execve, as of one that a native library of the worker has opened; Node has none. */
static napi_value inherit(napi_env env, napi_callback_info info) {
  int32_t fd = -1;
  char text[16];
  napi_get_value_int32(env, argument(env, info), &fd);
  snprintf(text, sizeof text, "%d", fcntl(fd, F_DUPFD, LEAKED_FROM));
  return text_value(env, text);
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  static const struct { const char *name; napi_callback call; } all[] = {
    {"names", names}, {"learn", learn_fact}, {"attempt", try_one}, {"inherit", inherit}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    napi_value function = NULL;
    napi_create_function(env, all[i].name, strlen(all[i].name), all[i].call, NULL, &function);
    napi_set_named_property(env, exports, all[i].name, function);
  }
  return exports;
}
