#include "api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct call call_read(napi_env env, napi_callback_info info) {
  struct call call = {.env = env, .count = MAX_ARGUMENTS};
  napi_get_cb_info(env, info, &call.count, call.values, &call.self, &call.data);
  return call;
}

static bool whole_number(napi_env env, napi_value value, const char *name, int64_t least, int64_t most, int64_t *out) {
  char expected[64];
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    throw_type(env, name, "a number");
    return false;
  }
  /* Not a number compares as neither. */
  if (number >= (double)least && number <= (double)most && number == (double)(int64_t)number) {
    *out = (int64_t)number;
    return true;
  }
  snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)least, (long long)most);
  throw_type(env, name, expected);
  return false;
}

bool take_int(const struct call *call, size_t index, const char *name, int32_t *out) {
  int64_t value;
  if (!whole_number(call->env, call->values[index], name, INT32_MIN, INT32_MAX, &value)) return false;
  *out = (int32_t)value;
  return true;
}

bool take_uint(const struct call *call, size_t index, const char *name, uint32_t *out) {
  int64_t value;
  if (!whole_number(call->env, call->values[index], name, 0, UINT32_MAX, &value)) return false;
  *out = (uint32_t)value;
  return true;
}

bool take_text(const struct call *call, size_t index, const char *name, char *out, size_t size) {
  size_t length;
  if (napi_get_value_string_utf8(call->env, call->values[index], NULL, 0, &length) != napi_ok) {
    throw_type(call->env, name, "a string");
    return false;
  }
  if (length >= size) {
    throw_error(call->env, name, ENAMETOOLONG, NULL);
    return false;
  }
  if (napi_get_value_string_utf8(call->env, call->values[index], out, size, &length) != napi_ok) return false;
  if (strlen(out) == length) return true;
  throw_type(call->env, name, "a string without zeros");
  return false;
}

static bool typed_array(napi_env env, napi_value value, bool words, void **out, size_t *length) {
  napi_typedarray_type type;
  bool is = false;
  if (napi_is_typedarray(env, value, &is) != napi_ok || !is) return false;
  if (napi_get_typedarray_info(env, value, &type, length, out, NULL, NULL) != napi_ok) return false;
  return type == (words ? napi_int32_array : napi_uint8_array);
}

bool take_bytes(const struct call *call, size_t index, const char *name, uint8_t **out, size_t *length) {
  void *bytes;
  if (!typed_array(call->env, call->values[index], false, &bytes, length)) {
    throw_type(call->env, name, "a Uint8Array");
    return false;
  }
  *out = bytes;
  return true;
}

bool take_words(const struct call *call, size_t index, const char *name, int32_t **out, size_t *length) {
  void *words;
  if (!typed_array(call->env, call->values[index], true, &words, length)) {
    throw_type(call->env, name, "an Int32Array");
    return false;
  }
  *out = words;
  return true;
}

bool take_function(const struct call *call, size_t index, const char *name, napi_value *out) {
  napi_valuetype type;
  *out = call->values[index];
  if (napi_typeof(call->env, *out, &type) == napi_ok && type == napi_function) return true;
  throw_type(call->env, name, "a function");
  return false;
}

/* The field of an object, and whether it is there. */
static bool field(napi_env env, napi_value object, const char *name, napi_value *out) {
  napi_valuetype type;
  if (napi_typeof(env, object, &type) != napi_ok || type != napi_object) return false;
  if (napi_get_named_property(env, object, name, out) != napi_ok) return false;
  return napi_typeof(env, *out, &type) == napi_ok && type != napi_undefined;
}

bool field_int(napi_env env, napi_value object, const char *name, int64_t fallback, int64_t most, int64_t *out) {
  napi_value value;
  *out = fallback;
  return !field(env, object, name, &value) || whole_number(env, value, name, 0, most, out);
}

bool field_bool(napi_env env, napi_value object, const char *name, bool *out) {
  napi_value value;
  *out = false;
  if (!field(env, object, name, &value) || napi_get_value_bool(env, value, out) == napi_ok) return true;
  throw_type(env, name, "a boolean");
  return false;
}

bool field_bytes(napi_env env, napi_value object, const char *name, uint8_t **out, size_t *length) {
  napi_value value;
  void *bytes = NULL;
  *out = NULL;
  *length = 0;
  if (!field(env, object, name, &value)) return true;
  if (!typed_array(env, value, false, &bytes, length)) {
    throw_type(env, name, "a Uint8Array");
    return false;
  }
  *out = bytes;
  return true;
}

napi_value make_undefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

napi_value make_int(napi_env env, int64_t value) {
  napi_value out = NULL;
  napi_create_int64(env, value, &out);
  return out;
}

napi_value make_bool(napi_env env, bool value) {
  napi_value out = NULL;
  napi_get_boolean(env, value, &out);
  return out;
}

napi_value make_text(napi_env env, const char *value) {
  napi_value out = NULL;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &out);
  return out;
}

napi_value make_bytes(napi_env env, const void *bytes, size_t length) {
  napi_value buffer = NULL;
  napi_value out = NULL;
  void *data = NULL;
  if (napi_create_arraybuffer(env, length, &data, &buffer) != napi_ok) return NULL;
  if (length > 0) memcpy(data, bytes, length);
  napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &out);
  return out;
}

const char *error_name(int error) {
  /* Not among libuv's: what a TUN answers whose interface is gone. */
  if (error == EBADFD) return "EBADFD";
  return uv_err_name(-error);
}

napi_value make_error(napi_env env, const char *syscall, int error, const char *what) {
  char message[256];
  napi_value value = NULL;
  const char *code = error_name(error);
  snprintf(message, sizeof message, "%s%s%s: %s, %s", syscall, what == NULL ? "" : " ", what == NULL ? "" : what, code,
           strerror(error));
  napi_create_error(env, make_text(env, code), make_text(env, message), &value);
  set_field(env, value, "syscall", make_text(env, syscall));
  set_field(env, value, "errno", make_int(env, -error));
  return value;
}

void set_field(napi_env env, napi_value object, const char *name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

void set_method(napi_env env, napi_value object, const char *name, napi_callback method, void *data) {
  napi_value function = NULL;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, method, data, &function);
  set_field(env, object, name, function);
}

napi_value throw_error(napi_env env, const char *syscall, int error, const char *what) {
  napi_throw(env, make_error(env, syscall, error, what));
  return NULL;
}

napi_value throw_type(napi_env env, const char *name, const char *expected) {
  char message[128];
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) return NULL;
  snprintf(message, sizeof message, "\"%s\" expected %s", name, expected);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

void callback_set(struct callback *callback, napi_env env, napi_value function) {
  callback_clear(callback);
  callback->env = env;
  napi_create_reference(env, function, 1, &callback->function);
}

void callback_clear(struct callback *callback) {
  if (callback->function == NULL) return;
  napi_delete_reference(callback->env, callback->function);
  *callback = (struct callback){0};
}

void callback_call(struct callback *callback, napi_value (*make)(napi_env env, const void *data), const void *data) {
  napi_env env = callback->env;
  napi_handle_scope scope;
  napi_value self;
  napi_value function;
  napi_value argument;
  napi_value exception;
  bool pending = false;
  if (callback->function == NULL || napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_global(env, &self);
  napi_get_reference_value(env, callback->function, &function);
  argument = make == NULL ? NULL : make(env, data);
  napi_make_callback(env, NULL, self, function, make == NULL ? 0 : 1, &argument, NULL);
  napi_is_exception_pending(env, &pending);
  if (pending && napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
  napi_close_handle_scope(env, scope);
}
