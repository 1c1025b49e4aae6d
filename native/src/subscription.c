#include "subscription.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "watch.h"

struct subscription {
  napi_env env;
  struct callback callback;
  struct watch *watch;
  napi_ref stop; /* keeps the stop function, and with it this, alive while there is something to stop */
  subscription_ready ready;
  int fd;
};

static void end(struct subscription *subscription) {
  watch_stop(&subscription->watch);
  callback_clear(&subscription->callback);
  if (subscription->stop != NULL) napi_delete_reference(subscription->env, subscription->stop);
  subscription->stop = NULL;
}

static napi_value api_stop(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  end(call.data);
  return make_undefined(env);
}

static void on_stop_gone(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  end(data);
  free(data);
}

static void on_ready(void *data, bool gone) {
  struct subscription *subscription = data;
  napi_env env = subscription->env;
  napi_handle_scope scope;
  napi_value stop;
  napi_open_handle_scope(env, &scope);
  /* A local handle, so that no collection frees this while its function runs. */
  napi_get_reference_value(env, subscription->stop, &stop);
  if (gone) watch_resume(subscription->watch);
  subscription->ready(subscription, subscription->fd);
  napi_close_handle_scope(env, scope);
}

napi_value subscription_start(napi_env env, int fd, napi_value function, subscription_ready ready) {
  napi_value stop;
  struct subscription *subscription = calloc(1, sizeof *subscription);
  int error = ENOMEM;
  if (subscription != NULL) {
    *subscription = (struct subscription){.env = env, .ready = ready, .fd = fd};
    error = watch_start(env, fd, true, on_ready, subscription, &subscription->watch);
  }
  if (error != 0) {
    free(subscription);
    close(fd);
    return throw_error(env, "uv_poll", error, NULL);
  }
  watch_hold(subscription->watch, false);
  callback_set(&subscription->callback, env, function);
  napi_create_function(env, "stop", NAPI_AUTO_LENGTH, api_stop, subscription, &stop);
  napi_wrap(env, stop, subscription, on_stop_gone, NULL, NULL);
  napi_create_reference(env, stop, 1, &subscription->stop);
  return stop;
}

void subscription_call(struct subscription *subscription, napi_value (*make)(napi_env env, const void *data), const void *data) {
  callback_call(&subscription->callback, make, data);
}

bool subscription_active(const struct subscription *subscription) { return subscription->watch != NULL; }
