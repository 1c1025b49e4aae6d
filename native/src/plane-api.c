#include "plane-api.h"

#include <errno.h>
#include <stdlib.h>

enum { DEFAULT_SOCKET_BUFFER_BYTES = 7 << 20, MAX_SOCKET_BUFFER_BYTES = 1 << 29 };

static const napi_type_tag plane_tag = {0x7063506c616e6531, 0x9d3be2a04c51f687};

struct plane_object *plane_of(const struct call *call) {
  void *object = NULL;
  bool is = false;
  if (napi_check_object_type_tag(call->env, call->self, &plane_tag, &is) == napi_ok && is &&
      napi_unwrap(call->env, call->self, &object) == napi_ok) {
    return object;
  }
  throw_type(call->env, "this", "a plane");
  return NULL;
}

static void close_plane(struct plane_object *object) {
  listen_end(object);
  if (object->plane == NULL) return;
  plane_destroy(object->plane);
  object->plane = NULL;
  napi_delete_reference(object->env, object->slab);
}

static void on_plane_gone(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_plane(data);
  free(data);
}

static void on_slab_gone(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  slab_destroy(data);
}

static napi_value tun_info(napi_env env, const struct tun *tun) {
  napi_value out;
  napi_create_object(env, &out);
  set_field(env, out, "name", make_text(env, tun->name));
  set_field(env, out, "fd", make_int(env, tun->fd));
  set_field(env, out, "vnetHeader", make_bool(env, tun->vnet_header));
  set_field(env, out, "tso", make_bool(env, tun->tso));
  set_field(env, out, "uso", make_bool(env, tun->uso));
  return out;
}

/* Listens on: to what was opened, or where that failed (`error`) to what has stayed open. */
static napi_value listened_tun(struct plane_object *object, int error, const char *const *syscall, const char *name) {
  int unwatched = listen_tun(object);
  if (error != 0) return throw_error(object->env, *syscall, error, name);
  if (unwatched != 0) return throw_error(object->env, "uv_poll", unwatched, NULL);
  return tun_info(object->env, &object->plane->tun);
}

static napi_value api_open_tun(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  char name[16];
  bool offload;
  bool persist;
  const char *syscall = "open";
  if (object == NULL || !take_text(&call, 0, "name", name, sizeof name)) return NULL;
  if (!field_bool(env, call.values[1], "offload", &offload) || !field_bool(env, call.values[1], "persist", &persist)) {
    return NULL;
  }
  if (object->plane == NULL) return throw_error(env, "openTun", EBADF, NULL);
  listen_end_tun(object);
  return listened_tun(object, tun_open(object->plane, name, offload, persist, &syscall), &syscall, name);
}

static napi_value api_adopt_tun(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  int32_t fd;
  const char *syscall = "ioctl";
  if (object == NULL || !take_int(&call, 0, "fd", &fd)) return NULL;
  if (object->plane == NULL) return throw_error(env, "adoptTun", EBADF, NULL);
  listen_end_tun(object);
  return listened_tun(object, tun_adopt(object->plane, fd, &syscall), &syscall, NULL);
}

static napi_value api_close_tun(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  if (object == NULL) return NULL;
  listen_end_tun(object);
  if (object->plane != NULL) tun_close(object->plane);
  return make_undefined(env);
}

static napi_value api_bind(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  int32_t port;
  uint32_t mark;
  int bound = 0;
  const char *syscall = "bind";
  if (object == NULL || !take_int(&call, 0, "port", &port) || !take_uint(&call, 1, "mark", &mark)) return NULL;
  if (port < 0 || port > 65535) return throw_type(env, "port", "0 to 65535");
  if (object->plane == NULL) return throw_error(env, "bind", EBADF, NULL);
  listen_end_udp(object);
  int error = udp_bind(object->plane, port, mark, &bound, &syscall);
  if (error != 0) return throw_error(env, syscall, error, NULL);
  error = listen_udp(object);
  if (error != 0) return throw_error(env, "uv_poll", error, NULL);
  return make_int(env, bound);
}

static napi_value api_set_mark(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  uint32_t mark;
  if (object == NULL || !take_uint(&call, 0, "mark", &mark)) return NULL;
  int error = object->plane == NULL ? EBADF : udp_set_mark(object->plane, mark);
  return error == 0 ? make_undefined(env) : throw_error(env, "setsockopt", error, "SO_MARK");
}

static napi_value api_close_sockets(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  if (object == NULL) return NULL;
  listen_end_udp(object);
  if (object->plane != NULL) udp_close(object->plane);
  return make_undefined(env);
}

static napi_value api_set_aead(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  char name[32];
  if (object == NULL || !take_text(&call, 0, "name", name, sizeof name)) return NULL;
  if (object->plane == NULL || !plane_set_aead(object->plane, name)) return throw_error(env, "setAead", ENOTSUP, name);
  return make_undefined(env);
}

static napi_value api_aead(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  if (object == NULL) return NULL;
  if (object->plane == NULL || object->plane->aead == NULL) return make_undefined(env);
  return make_text(env, object->plane->aead->name);
}

static napi_value api_features(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  napi_value out;
  if (object == NULL) return NULL;
  napi_create_object(env, &out);
  if (object->plane == NULL) return out;
  const struct tun *tun = &object->plane->tun;
  const struct udp *udp = &object->plane->udp;
  const struct {
    const char *name;
    bool on;
  } features[] = {
      {"vnet-header", tun->vnet_header},
      {"tso", tun->tso},
      {"uso", tun->uso},
      {"tcp-coalescing", tun_coalesces_tcp(tun)},
      {"udp-coalescing", tun_coalesces_udp(tun)},
      {"ipv4", udp->fd[FAMILY_4] >= 0},
      {"ipv6", udp->fd[FAMILY_6] >= 0},
      {"udp-gso", udp->gso},
      {"udp-gro", udp->gro},
      {"pktinfo", udp->pktinfo[FAMILY_4] || udp->pktinfo[FAMILY_6]},
      {"tos", udp->tos[FAMILY_4] || udp->tos[FAMILY_6]},
      {"aead", object->plane->aead != NULL},
  };
  for (size_t i = 0; i < COUNT(features); i++) set_field(env, out, features[i].name, make_bool(env, features[i].on));
  return out;
}

static napi_value api_take_faults(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  napi_value out;
  if (object == NULL) return NULL;
  napi_create_array(env, &out);
  if (object->plane == NULL) return out;
  struct faults *faults = &object->plane->faults;
  for (uint32_t i = 0; i < faults->count; i++) {
    const struct fault *fault = &faults->items[i];
    napi_value item;
    napi_create_object(env, &item);
    set_field(env, item, "syscall", make_text(env, fault->syscall));
    set_field(env, item, "code", make_text(env, error_name(fault->error)));
    set_field(env, item, "count", make_int(env, fault->count));
    if (fault->feature != NULL) set_field(env, item, "feature", make_text(env, fault->feature));
    napi_set_element(env, out, i, item);
  }
  faults->count = 0;
  return out;
}

static napi_value api_close(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  if (object != NULL) close_plane(object);
  return make_undefined(env);
}

static void register_methods(napi_env env, napi_value plane) {
  set_method(env, plane, "openTun", api_open_tun, NULL);
  set_method(env, plane, "adoptTun", api_adopt_tun, NULL);
  set_method(env, plane, "closeTun", api_close_tun, NULL);
  set_method(env, plane, "bind", api_bind, NULL);
  set_method(env, plane, "setMark", api_set_mark, NULL);
  set_method(env, plane, "closeSockets", api_close_sockets, NULL);
  set_method(env, plane, "setAead", api_set_aead, NULL);
  set_method(env, plane, "aead", api_aead, NULL);
  set_method(env, plane, "features", api_features, NULL);
  set_method(env, plane, "takeFaults", api_take_faults, NULL);
  set_method(env, plane, "close", api_close, NULL);
  listen_register(env, plane);
  data_register(env, plane);
}

static napi_value api_create_plane(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  int64_t buffer_bytes;
  napi_value slab;
  napi_value out;
  if (!field_int(env, call.values[0], "socketBufferBytes", DEFAULT_SOCKET_BUFFER_BYTES, MAX_SOCKET_BUFFER_BYTES, &buffer_bytes)) {
    return NULL;
  }
  uint8_t *bytes = slab_create();
  if (bytes == NULL) return throw_error(env, "mmap", ENOMEM, NULL);
  if (napi_create_external_arraybuffer(env, bytes, SLAB_BYTES, on_slab_gone, NULL, &slab) != napi_ok) {
    slab_destroy(bytes);
    return throw_error(env, "createPlane", ENOTSUP, "external memory");
  }
  struct plane_object *object = calloc(1, sizeof *object);
  struct plane *plane = object == NULL ? NULL : plane_create(bytes);
  if (plane == NULL) {
    free(object);
    return throw_error(env, "malloc", ENOMEM, NULL);
  }
  plane->socket_buffer_bytes = (int)buffer_bytes;
  *object = (struct plane_object){.env = env, .plane = plane};
  napi_create_object(env, &out);
  napi_create_reference(env, slab, 1, &object->slab);
  napi_wrap(env, out, object, on_plane_gone, NULL, NULL);
  napi_type_tag_object(env, out, &plane_tag);
  set_field(env, out, "slab", slab);
  register_methods(env, out);
  return out;
}

void plane_register(napi_env env, napi_value exports) {
  set_method(env, exports, "createPlane", api_create_plane, NULL);
}
