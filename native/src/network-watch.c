/* Changes of links, addresses and routes, as they happen. */
#include <errno.h>
#include <sys/socket.h>

#include "network.h"
#include "subscription.h"

enum { BUFFERS_A_TURN = 16, EVENT_BYTES = 16384 };

struct event {
  const struct nlmsghdr *message;
};

static napi_value make_event(napi_env env, const void *data) {
  const struct event *event = data;
  napi_value out = event->message == NULL ? NULL : network_object(env, event->message);
  if (out != NULL) return out;
  napi_create_object(env, &out);
  set_field(env, out, "kind", make_text(env, event->message == NULL ? "overrun" : "other"));
  return out;
}

static void on_ready(struct subscription *subscription, int fd) {
  _Alignas(struct nlmsghdr) uint8_t buffer[EVENT_BYTES];
  for (int i = 0; i < BUFFERS_A_TURN; i++) {
    ssize_t bytes = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (bytes < 0 && errno == ENOBUFS) {
      /* More happened than the socket holds: the listener has to look for itself. */
      struct event lost = {NULL};
      subscription_call(subscription, make_event, &lost);
      continue;
    }
    if (bytes <= 0) return;
    size_t left = (size_t)bytes;
    for (const struct nlmsghdr *m = (void *)buffer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
      struct event event = {m};
      subscription_call(subscription, make_event, &event);
      if (!subscription_active(subscription)) return;
    }
  }
}

napi_value network_watch(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  napi_value function;
  if (!take_function(&call, 0, "callback", &function)) return NULL;
  int fd = netlink_listen(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
  if (fd < 0) return throw_error(env, "bind", errno, "netlink");
  return subscription_start(env, fd, function, on_ready);
}
