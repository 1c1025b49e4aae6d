#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

struct watch {
  uv_poll_t poll;
  napi_async_cleanup_hook_handle hook;
  struct watch **owner;
  watch_ready ready;
  void *data;
  int fd;
  bool close_fd;
  bool ending;
};

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct watch *watch = poll->data;
  /* Woken: from here on as before. */
  if (!watch->ending && (events & UV_WRITABLE) != 0) watch_resume(watch);
  if (!watch->ending) watch->ready(watch->data, status < 0);
}

static void on_closed(uv_handle_t *handle) {
  struct watch *watch = handle->data;
  napi_remove_async_cleanup_hook(watch->hook);
  free(watch);
}

static void end(struct watch *watch) {
  if (watch->ending) return;
  watch->ending = true;
  if (watch->owner != NULL) *watch->owner = NULL;
  watch->owner = NULL;
  uv_close((uv_handle_t *)&watch->poll, on_closed);
  if (watch->close_fd) close(watch->fd);
}

static void on_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  end(data);
}

int watch_start(napi_env env, int fd, bool close_fd, watch_ready ready, void *data, struct watch **owner) {
  uv_loop_t *loop;
  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return ENOMEM;
  *watch = (struct watch){.owner = owner, .ready = ready, .data = data, .fd = fd, .close_fd = close_fd};
  int error = napi_get_uv_event_loop(env, &loop) == napi_ok ? -uv_poll_init(loop, &watch->poll, fd) : EINVAL;
  if (error != 0) {
    free(watch);
    return error;
  }
  watch->poll.data = watch;
  napi_add_async_cleanup_hook(env, on_teardown, watch, &watch->hook);
  *owner = watch;
  watch_resume(watch);
  return 0;
}

void watch_stop(struct watch **owner) {
  if (*owner != NULL) end(*owner);
}

void watch_pause(struct watch *watch) {
  if (watch != NULL && !watch->ending) uv_poll_stop(&watch->poll);
}

void watch_resume(struct watch *watch) {
  if (watch != NULL && !watch->ending) uv_poll_start(&watch->poll, UV_READABLE, on_ready);
}

void watch_wake(struct watch *watch) {
  if (watch != NULL && !watch->ending) uv_poll_start(&watch->poll, UV_READABLE | UV_WRITABLE, on_ready);
}

void watch_hold(struct watch *watch, bool hold) {
  if (watch == NULL || watch->ending) return;
  if (hold) uv_ref((uv_handle_t *)&watch->poll);
  else uv_unref((uv_handle_t *)&watch->poll);
}
