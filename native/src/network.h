/* Links, addresses and routes as netlink messages, and messages as objects. */
#ifndef PCLOUD_NETWORK_H
#define PCLOUD_NETWORK_H

#include "api.h"
#include "netlink.h"

/* network-objects.c: an object of a link, address or route message; NULL for any other or one that is broken. */
napi_value network_object(napi_env env, const struct nlmsghdr *message);

/* network-watch.c */
napi_value network_watch(napi_env env, napi_callback_info info);

#endif
