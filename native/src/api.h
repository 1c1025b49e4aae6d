/* What the bindings share: arguments in, values and errors out, calls back into JavaScript. */
#ifndef PCLOUD_API_H
#define PCLOUD_API_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MAX_ARGUMENTS = 8 };

/* The arguments of a call; those left out are undefined. */
struct call {
  napi_env env;
  napi_value self;
  size_t count;
  napi_value values[MAX_ARGUMENTS];
  void *data;
};

struct call call_read(napi_env env, napi_callback_info info);

/* Each is false, with an exception pending, when the value is not of its kind; numbers are whole and in range. */
bool take_int(const struct call *call, size_t index, const char *name, int32_t *out);
bool take_uint(const struct call *call, size_t index, const char *name, uint32_t *out);
bool take_text(const struct call *call, size_t index, const char *name, char *out, size_t size);
bool take_bytes(const struct call *call, size_t index, const char *name, uint8_t **out, size_t *length);
bool take_words(const struct call *call, size_t index, const char *name, int32_t **out, size_t *length);
bool take_function(const struct call *call, size_t index, const char *name, napi_value *out);
/* Fields of an object argument. A number is 0 to `most`, `fallback` when it is undefined. */
bool field_int(napi_env env, napi_value object, const char *name, int64_t fallback, int64_t most, int64_t *out);
bool field_bool(napi_env env, napi_value object, const char *name, bool *out);
/* 0 bytes when it is undefined. */
bool field_bytes(napi_env env, napi_value object, const char *name, uint8_t **out, size_t *length);

napi_value make_undefined(napi_env env);
napi_value make_int(napi_env env, int64_t value);
napi_value make_bool(napi_env env, bool value);
napi_value make_text(napi_env env, const char *value);
napi_value make_bytes(napi_env env, const void *bytes, size_t length);
/* An Error with `code` and `syscall`; `what` may be NULL. */
napi_value make_error(napi_env env, const char *syscall, int error, const char *what);
/* The name of an errno, EPERM for instance. */
const char *error_name(int error);

void set_field(napi_env env, napi_value object, const char *name, napi_value value);
void set_method(napi_env env, napi_value object, const char *name, napi_callback method, void *data);

/* Throw and return undefined, so that a binding can return their result. */
napi_value throw_error(napi_env env, const char *syscall, int error, const char *what);
napi_value throw_type(napi_env env, const char *name, const char *expected);

/* A JavaScript function that is called from the loop. */
struct callback {
  napi_env env;
  napi_ref function;
};

void callback_set(struct callback *callback, napi_env env, napi_value function);
void callback_clear(struct callback *callback);
/* Calls it with what `make` gives (none when NULL). What it throws is uncaught, as from any other callback. */
void callback_call(struct callback *callback, napi_value (*make)(napi_env env, const void *data), const void *data);

/* The parts of the addon. */
void plane_register(napi_env env, napi_value exports);
void layout_register(napi_env env, napi_value exports);
void aead_register(napi_env env, napi_value exports);
void packets_register(napi_env env, napi_value exports);
void network_register(napi_env env, napi_value exports);
void clock_register(napi_env env, napi_value exports);

#endif
