/* A descriptor that is watched for a JavaScript function, until the stop function that came with it is called. */
#ifndef PCLOUD_SUBSCRIPTION_H
#define PCLOUD_SUBSCRIPTION_H

#include "api.h"

struct subscription;

typedef void (*subscription_ready)(struct subscription *subscription, int fd);

/* Takes over `fd` and returns the stop function, or throws. Does not keep the loop alive. */
napi_value subscription_start(napi_env env, int fd, napi_value function, subscription_ready ready);

/* Calls the function; does nothing once stopped. */
void subscription_call(struct subscription *subscription, napi_value (*make)(napi_env env, const void *data), const void *data);

/* False once it was stopped: its descriptor is closed. */
bool subscription_active(const struct subscription *subscription);

#endif
