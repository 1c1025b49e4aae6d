/* The clock that counts suspend, and word of the wall clock being set. */
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "subscription.h"

static napi_value api_boot_time(napi_env env, napi_callback_info info) {
  struct timespec now;
  napi_value out;
  (void)info;
  clock_gettime(CLOCK_BOOTTIME, &now);
  napi_create_double(env, (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6, &out);
  return out;
}

/* A time that never comes; the kernel cancels the wait for it when the wall clock is set or the machine resumes. */
static int arm(int fd) {
  struct itimerspec when = {.it_value = {.tv_sec = sizeof(time_t) > 4 ? (time_t)0xffffffff : (time_t)0x7fffffff}};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

static void on_ready(struct subscription *subscription, int fd) {
  uint64_t expirations;
  if (read(fd, &expirations, sizeof expirations) >= 0 || errno != ECANCELED) return;
  arm(fd);
  subscription_call(subscription, NULL, NULL);
}

static napi_value api_watch_clock(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  napi_value function;
  if (!take_function(&call, 0, "callback", &function)) return NULL;
  int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (fd < 0) return throw_error(env, "timerfd_create", errno, NULL);
  if (arm(fd) == 0) return subscription_start(env, fd, function, on_ready);
  int error = errno;
  close(fd);
  return throw_error(env, "timerfd_settime", error, NULL);
}

void clock_register(napi_env env, napi_value exports) {
  set_method(env, exports, "bootTimeMs", api_boot_time, NULL);
  set_method(env, exports, "watchClock", api_watch_clock, NULL);
}
