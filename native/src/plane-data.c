/* The calls of the data path: they pass counts, everything else lies in the slab. A closed plane does nothing. */
#include <errno.h>

#include "plane-api.h"

/* A receiving call: what it found. */
static napi_value receive(napi_env env, napi_callback_info info, int (*run)(struct plane *)) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  if (object == NULL) return NULL;
  return make_int(env, object->plane == NULL ? 0 : run(object->plane));
}

/* A call over the first so many descriptors. */
static napi_value process(napi_env env, napi_callback_info info, void (*run)(struct plane *, int)) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  int32_t count;
  if (object == NULL || !take_int(&call, 0, "count", &count)) return NULL;
  if (object->plane != NULL) run(object->plane, count);
  return make_undefined(env);
}

static napi_value api_tun_receive(napi_env env, napi_callback_info info) { return receive(env, info, tun_receive); }
static napi_value api_udp_receive(napi_env env, napi_callback_info info) { return receive(env, info, udp_receive); }
static napi_value api_seal_and_send(napi_env env, napi_callback_info info) { return process(env, info, seal_and_send); }
static napi_value api_open(napi_env env, napi_callback_info info) { return process(env, info, open_datagrams); }
static napi_value api_tun_send(napi_env env, napi_callback_info info) { return process(env, info, tun_send); }

static napi_value api_inject(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  uint8_t *packet;
  size_t length;
  if (object == NULL || !take_bytes(&call, 0, "packet", &packet, &length)) return NULL;
  if (object->plane != NULL && length > 0 && length <= 65535) tun_write(object->plane, packet, (uint32_t)length);
  return make_undefined(env);
}

static napi_value api_transmit(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  uint8_t *datagram;
  int32_t *endpoint;
  size_t length;
  size_t words;
  int32_t tos;
  if (object == NULL || !take_bytes(&call, 0, "datagram", &datagram, &length) ||
      !take_words(&call, 1, "endpoint", &endpoint, &words) || !take_int(&call, 2, "tos", &tos)) {
    return NULL;
  }
  if (words < ENDPOINT_WORDS) return throw_type(env, "endpoint", "an Int32Array of 16 words");
  if (object->plane == NULL || length > 65535) return make_bool(env, false);
  uint32_t segment = length == 0 ? 1 : (uint32_t)length;
  return make_bool(env, udp_send(object->plane, datagram, (uint32_t)length, segment, endpoint, tos));
}

static napi_value api_send_run(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  int32_t offset;
  int32_t length;
  int32_t segment;
  int32_t slot;
  int32_t tos;
  if (object == NULL || !take_int(&call, 0, "offset", &offset) || !take_int(&call, 1, "length", &length) ||
      !take_int(&call, 2, "segmentBytes", &segment) || !take_int(&call, 3, "endpoint", &slot) ||
      !take_int(&call, 4, "tos", &tos)) {
    return NULL;
  }
  bool good = offset >= 0 && length > 0 && segment > 0 && (int64_t)offset + length <= SLAB_BYTES && slot >= 0 &&
              slot < LAYOUT_ENDPOINTS;
  if (!good) return throw_error(env, "sendRun", ERANGE, NULL);
  if (object->plane == NULL) return make_bool(env, false);
  struct plane *plane = object->plane;
  int32_t *endpoint = plane->endpoints + (size_t)slot * ENDPOINT_WORDS;
  return make_bool(env, udp_send(plane, plane->slab + offset, (uint32_t)length, (uint32_t)segment, endpoint, tos));
}

static void forget(struct plane *plane, uint32_t slot) {
  const uint8_t *key = slot < KEY_SLOTS ? keys_find(&plane->keys, (int32_t)slot) : NULL;
  if (key == NULL) return;
  if (plane->aead != NULL) plane->aead->forget(plane->aead_context, key);
  keys_remove(&plane->keys, slot);
}

static napi_value api_install_key(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  uint8_t *key;
  size_t length;
  uint32_t slot;
  if (object == NULL || !take_uint(&call, 0, "slot", &slot) || !take_bytes(&call, 1, "key", &key, &length)) return NULL;
  if (length != AEAD_KEY_BYTES) return throw_type(env, "key", "a Uint8Array of length 32");
  if (object->plane == NULL) return make_undefined(env);
  forget(object->plane, slot);
  int error = keys_install(&object->plane->keys, slot, key);
  return error == 0 ? make_undefined(env) : throw_error(env, "installKey", error, NULL);
}

static napi_value api_remove_key(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  uint32_t slot;
  if (object == NULL || !take_uint(&call, 0, "slot", &slot)) return NULL;
  if (object->plane != NULL) forget(object->plane, slot);
  return make_undefined(env);
}

void data_register(napi_env env, napi_value plane) {
  set_method(env, plane, "tunReceive", api_tun_receive, NULL);
  set_method(env, plane, "sealAndSend", api_seal_and_send, NULL);
  set_method(env, plane, "udpReceive", api_udp_receive, NULL);
  set_method(env, plane, "open", api_open, NULL);
  set_method(env, plane, "tunSend", api_tun_send, NULL);
  set_method(env, plane, "inject", api_inject, NULL);
  set_method(env, plane, "transmit", api_transmit, NULL);
  set_method(env, plane, "sendRun", api_send_run, NULL);
  set_method(env, plane, "installKey", api_install_key, NULL);
  set_method(env, plane, "removeKey", api_remove_key, NULL);
}
