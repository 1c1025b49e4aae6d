/* A plane's descriptors in the event loop: level-triggered, one batch a callback. */
#include <errno.h>

#include "plane-api.h"

/* The object as a local handle, so that no collection ends it in the middle of a callback. */
static napi_handle_scope enter(struct plane_object *object) {
  napi_handle_scope scope = NULL;
  napi_value self;
  napi_open_handle_scope(object->env, &scope);
  napi_get_reference_value(object->env, object->self, &self);
  return scope;
}

static napi_value make_gone(napi_env env, const void *data) {
  (void)data;
  return make_error(env, "read", EBADFD, NULL);
}

static void on_tun(void *data, bool gone) {
  struct plane_object *object = data;
  napi_handle_scope scope = enter(object);
  if (gone) {
    watch_stop(&object->tun_watch);
    callback_call(&object->closed, make_gone, NULL);
  } else {
    callback_call(&object->tun, NULL, NULL);
  }
  napi_close_handle_scope(object->env, scope);
}

static int left_of(const struct plane_object *object) {
  const struct plane *plane = object->plane;
  return plane == NULL || object->udp_paused ? 0 : plane->udp.left - plane->udp.first_left;
}

static void on_udp(struct plane_object *object, int family, bool gone) {
  napi_handle_scope scope = enter(object);
  /* An error that a socket keeps is read off by the next receive; polling goes on. */
  if (gone) watch_resume(object->udp_watch[family]);
  object->plane->udp.ready[family] = true;
  callback_call(&object->udp, NULL, NULL);
  /* What did not fit into one batch makes no socket readable: hand it over while that gets anywhere. */
  for (int left = left_of(object); left > 0;) {
    callback_call(&object->udp, NULL, NULL);
    if (left_of(object) >= left) break;
    left = left_of(object);
  }
  napi_close_handle_scope(object->env, scope);
}

static void on_udp4(void *data, bool gone) { on_udp(data, FAMILY_4, gone); }
static void on_udp6(void *data, bool gone) { on_udp(data, FAMILY_6, gone); }

int listen_tun(struct plane_object *object) {
  if (!object->listening || object->plane->tun.fd < 0 || object->tun_watch != NULL) return 0;
  int error = watch_start(object->env, object->plane->tun.fd, false, on_tun, object, &object->tun_watch);
  if (error == 0 && object->tun_paused) watch_pause(object->tun_watch);
  if (error == 0) watch_hold(object->tun_watch, !object->unheld);
  return error;
}

int listen_udp(struct plane_object *object) {
  struct udp *udp = &object->plane->udp;
  int error = 0;
  if (!object->listening) return 0;
  udp->polled = true;
  for (int family = 0; family < FAMILIES && error == 0; family++) {
    struct watch **watch = &object->udp_watch[family];
    if (udp->fd[family] < 0 || *watch != NULL) continue;
    error = watch_start(object->env, udp->fd[family], false, family == FAMILY_4 ? on_udp4 : on_udp6, object, watch);
    if (error == 0 && object->udp_paused) watch_pause(*watch);
    if (error == 0) watch_hold(*watch, !object->unheld);
  }
  return error;
}

void listen_end_tun(struct plane_object *object) { watch_stop(&object->tun_watch); }

void listen_end_udp(struct plane_object *object) {
  for (int family = 0; family < FAMILIES; family++) watch_stop(&object->udp_watch[family]);
}

void listen_end(struct plane_object *object) {
  listen_end_tun(object);
  listen_end_udp(object);
  callback_clear(&object->tun);
  callback_clear(&object->udp);
  callback_clear(&object->closed);
  object->listening = false;
  if (object->plane != NULL) object->plane->udp.polled = false;
  if (object->self != NULL) napi_delete_reference(object->env, object->self);
  object->self = NULL;
}

static bool take_callback(const struct call *call, const char *name, struct callback *callback) {
  napi_value function;
  napi_valuetype type;
  if (napi_get_named_property(call->env, call->values[0], name, &function) != napi_ok ||
      napi_typeof(call->env, function, &type) != napi_ok || type != napi_function) {
    throw_type(call->env, name, "a function");
    return false;
  }
  callback_set(callback, call->env, function);
  return true;
}

static napi_value api_listen(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  if (object == NULL) return NULL;
  if (object->plane == NULL) return throw_error(env, "listen", EBADF, NULL);
  napi_valuetype type;
  napi_typeof(env, call.values[0], &type);
  if (type != napi_object) return throw_type(env, "callbacks", "an object");
  listen_end(object);
  napi_create_reference(env, call.self, 1, &object->self);
  if (!take_callback(&call, "tun", &object->tun) || !take_callback(&call, "udp", &object->udp) ||
      !take_callback(&call, "closed", &object->closed)) {
    listen_end(object);
    return NULL;
  }
  object->listening = true;
  int error = listen_tun(object);
  if (error == 0) error = listen_udp(object);
  if (error == 0) return make_undefined(env);
  listen_end(object);
  return throw_error(env, "uv_poll", error, NULL);
}

static napi_value api_stop(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  if (object != NULL) listen_end(object);
  return make_undefined(env);
}

static void set_paused(struct watch *watch, bool paused) {
  if (paused) watch_pause(watch);
  else watch_resume(watch);
}

static napi_value api_read_tun(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  bool on;
  if (object == NULL) return NULL;
  if (napi_get_value_bool(env, call.values[0], &on) != napi_ok) return throw_type(env, "on", "a boolean");
  object->tun_paused = !on;
  set_paused(object->tun_watch, !on);
  return make_undefined(env);
}

static napi_value api_read_udp(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  bool on;
  if (object == NULL) return NULL;
  if (napi_get_value_bool(env, call.values[0], &on) != napi_ok) return throw_type(env, "on", "a boolean");
  object->udp_paused = !on;
  for (int family = 0; family < FAMILIES; family++) set_paused(object->udp_watch[family], !on);
  if (left_of(object) > 0) watch_wake(object->udp_watch[object->udp_watch[FAMILY_4] != NULL ? FAMILY_4 : FAMILY_6]);
  return make_undefined(env);
}

static napi_value hold(napi_env env, napi_callback_info info, bool held) {
  struct call call = call_read(env, info);
  struct plane_object *object = plane_of(&call);
  if (object == NULL) return NULL;
  object->unheld = !held;
  watch_hold(object->tun_watch, held);
  for (int family = 0; family < FAMILIES; family++) watch_hold(object->udp_watch[family], held);
  return make_undefined(env);
}

static napi_value api_ref(napi_env env, napi_callback_info info) { return hold(env, info, true); }
static napi_value api_unref(napi_env env, napi_callback_info info) { return hold(env, info, false); }

void listen_register(napi_env env, napi_value plane) {
  set_method(env, plane, "listen", api_listen, NULL);
  set_method(env, plane, "stop", api_stop, NULL);
  set_method(env, plane, "readTun", api_read_tun, NULL);
  set_method(env, plane, "readUdp", api_read_udp, NULL);
  set_method(env, plane, "ref", api_ref, NULL);
  set_method(env, plane, "unref", api_unref, NULL);
}
