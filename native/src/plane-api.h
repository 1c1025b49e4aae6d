/* A plane as a JavaScript object. */
#ifndef PCLOUD_PLANE_API_H
#define PCLOUD_PLANE_API_H

#include "api.h"
#include "plane.h"
#include "watch.h"

struct plane_object {
  napi_env env;
  struct plane *plane; /* NULL once closed */
  napi_ref slab;
  napi_ref self; /* held while there are watches, so that the object outlives them */
  struct callback tun;
  struct callback udp;
  struct callback closed;
  struct watch *tun_watch;
  struct watch *udp_watch[FAMILIES];
  bool listening;
  bool tun_paused;
  bool udp_paused;
  bool unheld;
};

/* The object of a call, or NULL with an exception pending when `self` is none. */
struct plane_object *plane_of(const struct call *call);

/* plane-listen.c: watches what is open, if anyone listens; ends the watches of one kind, or everything. */
int listen_tun(struct plane_object *object);
int listen_udp(struct plane_object *object);
void listen_end_tun(struct plane_object *object);
void listen_end_udp(struct plane_object *object);
void listen_end(struct plane_object *object);
void listen_register(napi_env env, napi_value plane);

/* plane-data.c: the calls of the data path. */
void data_register(napi_env env, napi_value plane);

#endif
