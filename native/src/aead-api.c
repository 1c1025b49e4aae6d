/* One-off AEAD by provider's name: what tests and provider checks hold equal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aead.h"
#include "api.h"

struct request {
  const struct aead_provider *provider;
  uint8_t *key;
  uint64_t counter;
  uint8_t *bytes;
  size_t length;
};

static bool take_request(const struct call *call, struct request *out) {
  char name[32];
  uint32_t low;
  uint32_t high;
  size_t key_bytes;
  if (!take_text(call, 0, "name", name, sizeof name) || !take_bytes(call, 1, "key", &out->key, &key_bytes) ||
      !take_uint(call, 2, "low", &low) || !take_uint(call, 3, "high", &high) ||
      !take_bytes(call, 4, "bytes", &out->bytes, &out->length)) {
    return false;
  }
  out->counter = (uint64_t)high << 32 | low;
  out->provider = aead_find(name);
  if (key_bytes != AEAD_KEY_BYTES) throw_type(call->env, "key", "a Uint8Array of length 32");
  else if (out->provider == NULL) throw_error(call->env, "aead", ENOTSUP, name);
  return key_bytes == AEAD_KEY_BYTES && out->provider != NULL;
}

/* Runs over a copy, so that the caller's bytes stay as they are. */
static napi_value run(const struct call *call, const struct request *request, bool sealing) {
  size_t plain = sealing ? request->length : request->length - AEAD_TAG_BYTES;
  uint8_t *copy = malloc(request->length + AEAD_TAG_BYTES);
  void *context = request->provider->create();
  napi_value out = NULL;
  bool good = copy != NULL && context != NULL;
  if (good) {
    if (request->length > 0) memcpy(copy, request->bytes, request->length);
    good = sealing ? request->provider->seal(context, request->key, request->counter, copy, copy, plain)
                   : request->provider->open(context, request->key, request->counter, copy, plain);
    out = good ? make_bytes(call->env, copy, sealing ? plain + AEAD_TAG_BYTES : plain) : make_undefined(call->env);
  }
  if (context != NULL) request->provider->destroy(context);
  free(copy);
  return out == NULL ? make_undefined(call->env) : out;
}

static napi_value api_seal_once(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct request request;
  return take_request(&call, &request) ? run(&call, &request, true) : NULL;
}

static napi_value api_open_once(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct request request;
  if (!take_request(&call, &request)) return NULL;
  return request.length < AEAD_TAG_BYTES ? make_undefined(env) : run(&call, &request, false);
}

static napi_value api_names(napi_env env, napi_callback_info info) {
  napi_value out;
  uint32_t count = 0;
  (void)info;
  napi_create_array(env, &out);
  for (const struct aead_provider *const *at = aead_usable(); *at != NULL; at++) {
    napi_set_element(env, out, count++, make_text(env, (*at)->name));
  }
  return out;
}

void aead_register(napi_env env, napi_value exports) {
  set_method(env, exports, "aeadNames", api_names, NULL);
  set_method(env, exports, "sealOnce", api_seal_once, NULL);
  set_method(env, exports, "openOnce", api_open_once, NULL);
}
