/*
 * A file descriptor in Node's event loop. A watch ends itself when the environment (a worker) is torn down
 * and then clears the pointer of its owner, who may outlive it.
 */
#ifndef PCLOUD_WATCH_H
#define PCLOUD_WATCH_H

#include <node_api.h>
#include <stdbool.h>

struct watch;

/* `gone`: the descriptor is in error, the watch has paused. */
typedef void (*watch_ready)(void *data, bool gone);

/* Starts to call back when `fd` is readable and sets `*owner`. `close_fd`: the watch closes it at its end. 0 or errno. */
int watch_start(napi_env env, int fd, bool close_fd, watch_ready ready, void *data, struct watch **owner);

/* Ends a watch and clears `*owner`; nothing is called any more. Does nothing when there is none. */
void watch_stop(struct watch **owner);

/* Calls back once although nothing is to be read; for descriptors that can be written to. */
void watch_wake(struct watch *watch);

void watch_pause(struct watch *watch);
void watch_resume(struct watch *watch);

/* Whether the watch keeps the loop alive. */
void watch_hold(struct watch *watch, bool hold);

#endif
